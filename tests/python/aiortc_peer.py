"""One call of a WebRTC peer that is not ours: aiortc, which sends back the audio that it gets.

Reads one JSON object a line from standard input and answers each with one on standard output:
  {"answer": "SDP"}  an offer to be answered           -> {"description": "SDP"}
  {"offer": "PCMU"}  an offer shall be made            -> {"description": "SDP"}
  {"accept": "SDP"}  the answer to the offer           -> {}
  {"report": true}   what aiortc counts for itself     -> {"state", "sent", "received", "codecs"}
Ends with its input.
"""

import asyncio
import json
import sys

from aioice import ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription

# Everything here is on this machine, and aioice leaves the loopback address out by itself.
ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Call:
    def __init__(self):
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.on("track", self.echo)

    def echo(self, track):
        """What comes in goes out again, decoded and encoded anew by aiortc."""
        transceiver = self.peer.getTransceivers()[0]
        transceiver.direction = "sendrecv"
        transceiver.sender.replaceTrack(track)

    async def told(self, request):
        if "answer" in request:
            await self.peer.setRemoteDescription(RTCSessionDescription(request["answer"], "offer"))
            await self.peer.setLocalDescription(await self.peer.createAnswer())
        elif "offer" in request:
            known = RTCRtpSender.getCapabilities("audio").codecs
            wanted = [codec for codec in known if codec.mimeType == f"audio/{request['offer']}"]
            self.peer.addTransceiver("audio", direction="sendrecv").setCodecPreferences(wanted)
            await self.peer.setLocalDescription(await self.peer.createOffer())
        elif "accept" in request:
            await self.peer.setRemoteDescription(RTCSessionDescription(request["accept"], "answer"))
            return {}
        else:
            return await self.report()
        return {"description": self.peer.localDescription.sdp}

    async def report(self):
        stats = (await self.peer.getStats()).values()
        count = lambda kind, what: sum(getattr(one, what) for one in stats if one.type == kind)
        codecs = [line.split()[1] for line in self.peer.localDescription.sdp.splitlines() if line.startswith("a=rtpmap:")]
        return {
            "state": self.peer.connectionState,
            "sent": count("outbound-rtp", "packetsSent"),
            "received": count("inbound-rtp", "packetsReceived"),
            "codecs": codecs,
        }


async def main():
    call = Call()
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps(await call.told(json.loads(line))), flush=True)
    await call.peer.close()


asyncio.run(main())
