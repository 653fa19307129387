// One stream of events for all tabs: a browser has six connections to a server on HTTP/1.1. A tab sends {api, token}
// to be in, {} to be out, and receives what the stream says.
import { followEvents } from './events.js'

const streams = new Map()

function join(port, api, token) {
  const stream = streams.get(token) ?? { ports: new Set() }
  streams.set(token, stream)
  stream.ports.add(port)
  // It begins with the present state, which the new tab needs.
  stream.close?.()
  stream.close = followEvents(api, token, (said) => {
    for (const each of stream.ports) each.postMessage(said)
  })
  return () => {
    stream.ports.delete(port)
    if (stream.ports.size) return
    stream.close()
    streams.delete(token)
  }
}

self.onconnect = ({ ports: [port] }) => {
  let leave
  port.onmessage = ({ data: { api, token } }) => {
    leave?.()
    leave = api ? join(port, api, token) : undefined
  }
}
