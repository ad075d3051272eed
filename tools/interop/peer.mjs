// A js-libp2p peer that does what it is told: one JSON object a line in, one out. See ../interop.sh.
//
//     node peer.mjs client|server
//
// A client has no listener and serves nothing; a server listens on loopback and keeps the records that others bring.

import { createInterface } from 'node:readline'
import { quic } from '@chainsafe/libp2p-quic'
import { tcp } from '@libp2p/tcp'
import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { answer, peer } from './words.mjs'

const listen = process.argv[2] === 'server' ? ['/ip4/127.0.0.1/tcp/0'] : []
const words = await peer([tcp(), webSockets(), quic(), webRTCDirect()], listen)
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(await answer(words, line) + '\n')
}
process.exit(0)
