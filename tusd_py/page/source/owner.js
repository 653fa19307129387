// Whose token it is: several people may use one browser, one after the other.

/** What a session token says of its user, the same for each of that user's tokens; '' if it says nothing that can be read. */
export function ownerOf(token) {
  try {
    const { iss, userId, sub } = JSON.parse(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')))
    return JSON.stringify([iss, userId, sub])
  } catch {
    return ''
  }
}
