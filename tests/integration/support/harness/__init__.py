"""What the integration tests stand on: a real broker, flip-sim, the bridge as a process, and a recording MQTT client.

Everything runs on free ports of the loopback, in the test's own folder, and waits for conditions with deadlines,
never for time to pass.
"""
from harness.bridge import Bridge, Tag, home_config
from harness.broker import Broker
from harness.chaos import Chaos
from harness.flipsim import FlipSim
from harness.mqtt import Message, Mqtt
from harness.pki import Authority
from harness.process import Process, free_port, until
from harness.shim import Shim
from harness.tls import TlsFront

__all__ = [
    "Authority",
    "Bridge",
    "Broker",
    "Chaos",
    "FlipSim",
    "Message",
    "Mqtt",
    "Process",
    "Shim",
    "Tag",
    "TlsFront",
    "free_port",
    "home_config",
    "until",
]
