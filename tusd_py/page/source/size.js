/** A size in decimal units, as networks and most file managers have them: 1 MB is 1,000,000 bytes. */
export function size(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  for (; bytes >= (at ? 999.95 : 1000) && at < units.length - 1; at++) bytes /= 1000
  return `${at ? Number(bytes.toFixed(1)) : Math.round(bytes)} ${units[at]}`
}
