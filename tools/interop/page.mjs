// A js-libp2p peer in a browser's page, which fetches what it is to do from where the page came from, and says there what
// came of it. See peers.py.

import { webRTCDirect } from '@libp2p/webrtc'
import { webSockets } from '@libp2p/websockets'
import { answer, peer } from './words.mjs'

const words = await peer([webSockets(), webRTCDirect()])
let body = JSON.stringify({ result: navigator.userAgent })
while (true) {
  const next = await fetch('/next', { method: 'POST', body })
  body = await answer(words, await next.text())
}
