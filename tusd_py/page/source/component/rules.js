// What a component takes, by its attributes.

/** Whether a file is one of those of `accept`, as in <input type=file accept>. */
export function isAccepted({ name, type }, accept) {
  const kinds = accept.split(',').map((kind) => kind.trim().toLowerCase()).filter(Boolean)
  return !kinds.length || kinds.some((kind) =>
    kind.startsWith('.') ? name.toLowerCase().endsWith(kind)
    : kind.endsWith('/*') ? type.startsWith(kind.slice(0, -1))
    : type === kind)
}
