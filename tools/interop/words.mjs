// What a js-libp2p peer can be told to do, in Node (peer.mjs) and in a browser (page.mjs). Each word takes and returns plain JSON.

import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PATIENCE_MILLIS = 20_000
const bytes = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16))
const hex = (data) => Array.from(data, (byte) => byte.toString(16).padStart(2, '0')).join('')
const patience = () => AbortSignal.timeout(PATIENCE_MILLIS)
const pause = (millis) => new Promise((resolve) => setTimeout(resolve, millis))

/** A peer with these transports; if it listens, it serves the DHT and keeps the records that others bring. */
export async function peer (transports, listen = []) {
  const serves = listen.length > 0
  const brought = new Set()
  const node = await createLibp2p({
    addresses: { listen },
    transports,
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/kith/kad/1.0.0',
        clientMode: !serves,
        peerInfoMapper: passthroughMapper,
        // This peer takes whatever has the right kind of key: what is tested is what the others take.
        validators: { kith: async (key) => { brought.add(hex(key)) } },
        selectors: { kith: () => 0 }
      })
    }
  })

  let far

  return {
    async addresses () {
      return node.getMultiaddrs().map(String)
    },

    async connect ({ address }) {
      const signal = patience()
      const identified = new Promise((resolve) => {
        node.addEventListener('peer:identify', ({ detail }) => resolve(detail), { once: true })
      })
      const connection = await node.dial(multiaddr(address), { signal })
      far = connection.remotePeer
      const { protocols, observedAddr, agentVersion, listenAddrs } = await identified
      // Before it asks a peer anything it pings it, and another ping at the same time would be one too many.
      while (node.services.dht.routingTable.size === 0) {
        signal.throwIfAborted()
        await pause(20)
      }
      return { protocols, agent: agentVersion, observed: String(observedAddr), listens: listenAddrs.map(String) }
    },

    async ping () {
      return node.services.ping.ping(far, { signal: patience() })
    },

    async closest ({ key }) {
      const found = []
      for await (const event of node.services.dht.getClosestPeers(bytes(key), { signal: patience() })) {
        if (event.name === 'PEER_RESPONSE' && far.equals(event.from)) {
          found.push(...event.closer.map((peer) => ({ id: peer.id.toString(), addresses: peer.multiaddrs.map(String) })))
        }
      }
      return found
    },

    async put ({ key, value }) {
      let asked = false
      for await (const event of node.services.dht.put(bytes(key), bytes(value), { signal: patience() })) {
        asked ||= event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE' && far.equals(event.from)
      }
      return asked
    },

    async get ({ key }) {
      for await (const event of node.services.dht.get(bytes(key), { signal: patience() })) {
        if (event.name === 'PEER_RESPONSE' && event.record != null && far.equals(event.from)) {
          return hex(event.record.value)
        }
      }
      return null
    },

    async brought () {
      return [...brought]
    }
  }
}

/** Does what a line says. Returns the line that answers. */
export async function answer (words, line) {
  const { word, ...rest } = JSON.parse(line)
  try {
    return JSON.stringify({ result: await words[word](rest) })
  } catch (error) {
    return JSON.stringify({ error: String(error) })
  }
}
