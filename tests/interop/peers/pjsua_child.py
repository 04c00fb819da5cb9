"""The process in which PJSUA2 lives; see `pjsua.py` for its other end.

One JSON object a line on stdin, `{"do": NAME, …}`; on stdout `{"event": NAME, …}`, of which
`{"event": "done", "do": NAME}` or `{"event": "failed", "do": NAME, "why": TEXT}` ends each command.
Everything runs on the main thread: PJSUA2 has `threadCnt = 0` and is polled between commands.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
from typing import Any

import pjsua2 as pj

POLL_MS = 10


def say(event: str, **values: Any) -> None:
    os.write(REPORT, json.dumps({"event": event, **values}).encode() + b"\n")


class Call(pj.Call):  # type: ignore[misc]
    """A call that speaks the tone and records what it hears as soon as it has media."""

    def __init__(self, phone: Phone, recording: str) -> None:
        super().__init__(phone.account)
        self.phone = phone
        self.recording = recording
        self.recorder: pj.AudioMediaRecorder | None = None

    def onCallState(self, prm: pj.OnCallStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_EARLY:
            say("ringing", code=int(info.lastStatusCode))
        elif info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            say("established")
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            say("closed", code=int(info.lastStatusCode), reason=str(info.lastReason))

    def onCallMediaState(self, prm: pj.OnCallMediaStateParam) -> None:  # noqa: N802
        info = self.getInfo()
        for i, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            say("media", status=int(media.status), direction=int(media.dir))
            if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                self.connect(self.getAudioMedia(i))

    def connect(self, audio: pj.AudioMedia) -> None:
        self.phone.tone.startTransmit(audio)
        if self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self.recording)
        audio.startTransmit(self.recorder)

    def onDtmfDigit(self, prm: pj.OnDtmfDigitParam) -> None:  # noqa: N802
        say("digit", digit=str(prm.digit))


class Phone:
    """An endpoint, one account and at most one call."""

    def __init__(self) -> None:
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        self.call: Call | None = None
        self.finished = False

    def start(self, address: str, codecs: list[str], source: str, log: str) -> None:
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "pjsua2"
        config.medConfig.clockRate = 16000
        config.medConfig.noVad = True
        config.logConfig.consoleLevel = 0
        config.logConfig.level = 4
        config.logConfig.filename = log
        self.endpoint.libInit(config)
        for kind in (pj.PJSIP_TRANSPORT_UDP, pj.PJSIP_TRANSPORT_TCP):
            transport = pj.TransportConfig()
            transport.boundAddress = address
            transport.publicAddress = address
            transport.port = 5060
            self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 0)
        for rank, name in enumerate(codecs):
            self.endpoint.codecSetPriority(name, 250 - rank)
        account = pj.AccountConfig()
        account.idUri = f"sip:phone@{address}"
        account.mediaConfig.transportConfig.boundAddress = address
        account.mediaConfig.transportConfig.publicAddress = address
        account.mediaConfig.transportConfig.port = 30000
        account.mediaConfig.transportConfig.portRange = 1000
        self.account = pj.Account()
        self.account.create(account)
        self.tone = pj.AudioMediaPlayer()
        self.tone.createPlayer(source)

    def dial(self, uri: str, recording: str) -> None:
        self.call = Call(self, recording)
        self.call.makeCall(uri, pj.CallOpParam(True))

    def digits(self, digits: str, info: bool) -> None:
        prm = pj.CallSendDtmfParam()
        prm.method = pj.PJSUA_DTMF_METHOD_SIP_INFO if info else pj.PJSUA_DTMF_METHOD_RFC2833
        prm.duration = 120
        prm.digits = digits
        self.require().sendDtmf(prm)

    def hold(self) -> None:
        self.require().setHold(pj.CallOpParam(True))

    def resume(self) -> None:
        prm = pj.CallOpParam(True)
        prm.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.require().reinvite(prm)

    def update(self) -> None:
        self.require().update(pj.CallOpParam(True))

    def codec(self) -> None:
        info = self.require().getStreamInfo(0)
        say("codec", name=str(info.codecName), rate=int(info.codecClockRate))

    def hang_up(self) -> None:
        self.require().hangup(pj.CallOpParam(True))

    def quit(self) -> None:
        self.finished = True

    def require(self) -> Call:
        if self.call is None:
            raise RuntimeError("no call")
        return self.call

    def perform(self, line: str) -> None:
        order = json.loads(line)
        name = order.pop("do")
        try:
            getattr(self, name)(**order)
        except Exception as problem:  # noqa: BLE001 - the other end decides what it means
            say("failed", do=name, why=f"{type(problem).__name__}: {problem}")
        else:
            say("done", do=name)

    def run(self) -> None:
        while not self.finished:
            self.endpoint.libHandleEvents(POLL_MS)
            readable, _, _ = select.select([sys.stdin], [], [], 0)
            if readable:
                line = sys.stdin.readline()
                if not line:
                    break
                self.perform(line)
        with contextlib.suppress(pj.Error):
            self.endpoint.hangupAllCalls()
            self.endpoint.libHandleEvents(POLL_MS)
        # Tearing the library down in Python's order of destruction crashes; nothing is left to save.
        os._exit(0)


if __name__ == "__main__":
    REPORT = os.dup(1)
    os.dup2(2, 1)  # whatever else the library prints is no report
    Phone().run()
