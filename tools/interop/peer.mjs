// A js-libp2p peer that does what it is told: one JSON object a line in, one out. See ../interop.sh.
//
//     node peer.mjs client|server
//
// A client has no listener and serves nothing; a server listens on loopback and keeps the records that others bring.

import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { quic } from '@chainsafe/libp2p-quic'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { noise } from '@libp2p/noise'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'

const PATIENCE_MILLIS = 20_000
const bytes = (text) => Uint8Array.from(Buffer.from(text, 'hex'))
const hex = (data) => Buffer.from(data).toString('hex')
const patience = () => AbortSignal.timeout(PATIENCE_MILLIS)

const serves = process.argv[2] === 'server'
const brought = new Set()
const node = await createLibp2p({
  addresses: { listen: serves ? ['/ip4/127.0.0.1/tcp/0'] : [] },
  transports: [tcp(), webSockets(), quic(), webRTCDirect()],
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

const words = {
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
      await setTimeout(20, undefined, { signal })
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

for await (const line of createInterface({ input: process.stdin })) {
  const { word, ...rest } = JSON.parse(line)
  let answer
  try {
    answer = { result: await words[word](rest) }
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
process.exit(0)
