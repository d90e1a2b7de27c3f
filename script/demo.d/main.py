"""script/demo: the show. See script/demo --help."""

import argparse
import json
import queue
import signal
import sys
import time

import paho.mqtt.client as mqtt

from home import Home
from screen import CYAN, RED, STATES, Screen
from stage import Stage

DEVICE = "flip2mqtt/device/garage-battery"
LISTEN = [DEVICE + "/telemetry", DEVICE + "/command", "flip2mqtt/cloud/state", "solar_assistant/inverter_1/+/set"]
TICK = 0.5  # seconds between the home's readings


class Show:
    def __init__(self, stage, seconds):
        self.stage, self.seconds = stage, seconds
        self.screen = Screen()
        self.home = Home(day_seconds=240)
        self.points = {}  # start_time -> upload state, as device/…/telemetry said it
        self.cloud_state = ""
        self.outage = self.over = False
        self.commanded = None  # the id of the command
        self.phases = []  # as device/…/command told them
        self.started = time.monotonic()
        self.inbox = queue.Queue()
        self.client = mqtt.Client(client_id="demo", protocol=mqtt.MQTTv311)
        self.client.on_message = lambda _c, _u, m: self.inbox.put((m.topic, m.payload))
        self.client.on_connect = lambda c, *_: c.subscribe([(topic, 1) for topic in LISTEN])
        self.client.connect("127.0.0.1", stage.broker_port)
        self.client.loop_start()

    def on_point(self, told):
        point, upload = told["point"], told["upload"]
        self.points[point["start_time"]] = upload["state"]
        energy = point["battery_total_energy_discharge_wh"], point["battery_total_energy_charge_wh"]
        text = (
            f"{point['start_time'][11:19]} +{point['duration_s']:g}s  "
            f"{point['battery_last_state_of_charge_percentage']} %  "
            f"charge {energy[1]} Wh  discharge {energy[0]} Wh  -> {upload['state']}"
        )
        if upload["message"]:
            text += f": {upload['message']}"
        self.screen.event("point", text, STATES[upload["state"]])

    def on_command(self, told):
        wants = told["command"]["battery_commands"]
        self.phases.append(told["phase"])
        self.screen.event("command", f"{wants['mode']} {wants['setpoint_w']} W: {told['phase']}", CYAN)

    def read_inbox(self):
        while not self.inbox.empty():
            topic, payload = self.inbox.get()
            if topic.endswith("/telemetry"):
                self.on_point(json.loads(payload))
            elif topic.endswith("/command"):
                self.on_command(json.loads(payload))
            elif topic.endswith("/set"):
                self.home.obey(topic, payload.decode())
                self.screen.event("battery", f"hears {topic.split('/', 1)[1]} = {payload.decode()}", CYAN)
            elif self.cloud_state != payload.decode():
                self.cloud_state = payload.decode()
                self.screen.event("cloud", self.cloud_state, CYAN)

    def set_outage(self, on):
        self.outage = on
        self.stage.cloud("/sim/outage", {"on": on})
        self.screen.event("demo", "cuts the cloud off: points wait on disk" if on else "gives the cloud back", RED)

    def command(self, seconds):
        self.commanded = self.stage.cloud(
            "/sim/command",
            {"device_id": "garage-battery", "mode": "DISCHARGE", "power_mode": "SETPOINT", "setpoint_w": 3000,
             "starts_in_s": 5, "duration_s": seconds},
        )["id"]
        self.screen.event("Flip", f"calls on the battery: discharge 3 kW for {seconds} s, in 5 s", RED)

    def direct(self, elapsed):
        """The script of the show: the cloud is away in the middle, then Flip calls on the battery."""
        length = self.seconds or 120
        away = not self.over and length * 0.35 < elapsed % length < length * 0.6
        if away != self.outage:
            self.set_outage(away)
        if not self.over and not self.commanded and elapsed > length * 0.62 and self.cloud_state == "online":
            self.command(max(4, int(length * 0.2)))

    def turn(self, elapsed):
        self.home.step(TICK)
        for topic, payload in self.home.messages():
            self.client.publish(topic, payload, qos=1)
        self.direct(elapsed)
        self.read_inbox()
        left = f"   {self.seconds - elapsed:.0f} s left" if self.seconds else "   Ctrl-C ends it"
        stats = self.stage.cloud("/sim/stats")
        self.screen.draw(self.screen.panel(self.home, self.points, stats, self.cloud_state, self.outage, left))
        if self.stage.bridge.poll() is not None:
            raise RuntimeError("the bridge has stopped:\n" + self.stage.log_of("flip2mqtt"))

    def run_while(self, wanted):
        """Turns at their pace while wanted(elapsed) says so."""
        start, turns = time.monotonic(), 0
        while wanted(time.monotonic() - self.started):
            self.turn(time.monotonic() - self.started)
            turns += 1
            time.sleep(max(0.0, start + turns * TICK - time.monotonic()))

    def run(self):
        self.started = time.monotonic()
        self.run_while(lambda elapsed: not self.seconds or elapsed < self.seconds)

    def finish(self):
        """Cloud back, what waits goes up, the bridge is stopped cleanly (its open interval goes up as a partial point)."""
        self.over = True
        if self.outage:
            self.set_outage(False)
        waiting = {start for start, state in self.points.items() if state == "pending"}
        end = time.monotonic() + 30
        self.run_while(lambda _: any(self.points[s] == "pending" for s in waiting) and time.monotonic() < end)
        clean = self.stage.stop_bridge()
        self.read_inbox()
        self.client.loop_stop()
        return clean

    def summary(self, clean):
        stats = self.stage.cloud("/sim/stats")
        received = {p["start_time"] for p in self.stage.cloud("/sim/points?device=garage-battery")}
        missing = [start for start in self.points if start not in received]
        good = clean and self.points and not missing and not stats["conflicts"] and not stats["overlaps"]
        if self.commanded and self.over:
            acknowledged = self.stage.cloud("/sim/acknowledgements")
            restored = self.home.priority == "Load first"
            obeyed = self.phases == ["received", "started", "ended"] and restored and bool(acknowledged)
            answers = [f"{a['device_status']} ({a['device_status_reason']})" for a in acknowledged]
            print(
                f"\n1 command: {', '.join(self.phases)}; acknowledged: {', '.join(answers) or 'not'}; "
                f"battery {'restored' if restored else 'NOT restored'}."
            )
            good = good and obeyed
        print(
            f"\n{len(self.points)} points closed, {len(received)} arrived at Flip, {len(missing)} missing, "
            f"{stats['conflicts']} sent twice with other values, {stats['overlaps']} overlapping; "
            f"the bridge stopped {'cleanly' if clean else 'badly'}."
        )
        print("Nothing was lost." if good else f"Not as it should be: {missing or stats}")
        return 0 if good else 1


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    options = argparse.ArgumentParser(prog="script/demo")
    options.add_argument("--build", required=True, help=argparse.SUPPRESS)
    options.add_argument("--seconds", type=int, default=0)
    arguments = options.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    stage = Stage(arguments.build)
    try:
        show = Show(stage, arguments.seconds)
        try:
            show.run()
        except KeyboardInterrupt:
            print()
        return show.summary(show.finish())
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
