"""Who is asking: session tokens, upload tokens, tickets. No HTTP here."""
