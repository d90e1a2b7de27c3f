"""What the demo shows: a panel that is redrawn on a terminal, a line per event elsewhere."""

import shutil
import sys

BOLD, DIM, RED, GREEN, YELLOW, CYAN, OFF = (f"\033[{c}m" for c in ("1", "2", "31", "32", "33", "36", "0"))
STATES = {"sent": GREEN, "pending": YELLOW, "rejected": RED}


def watts(value):
    return f"{value / 1000:.1f} kW"


class Screen:
    def __init__(self):
        self.tty = sys.stdout.isatty()
        self.events = []
        self.drawn = 0

    def colour(self, code, text):
        return f"{code}{text}{OFF}" if self.tty else text

    def event(self, who, text, colour=""):
        line = f"{who:<9}{text}"
        if self.tty:
            self.events = self.events[-12:] + [self.colour(colour, line) if colour else line]
        else:
            print(line, flush=True)

    def panel(self, home, points, stats, cloud, outage, left):
        """The panel's lines, top to bottom."""
        flow = "charging" if home.battery > 50 else "discharging" if home.battery < -50 else "idle"
        grid = "from the grid" if home.grid > 0 else "to the grid"
        state = self.colour(RED, "away (the demo cut it off)") if outage else self.colour(GREEN, cloud or "connecting")
        waiting = sum(1 for p in points.values() if p == "pending")
        return [
            self.colour(BOLD, f"flip2mqtt: a home's day, {home.clock()}") + self.colour(DIM, left),
            "",
            f"battery  {home.soc:5.1f} %  {flow} {watts(abs(home.battery))}    "
            f"solar {watts(home.solar)}  home {watts(home.load)}  {watts(abs(home.grid))} {grid}",
            f"bridge   {len(points)} points closed, {len(points) - waiting} settled, {waiting} waiting",
            f"Flip     {state}, {stats.get('points', 0)} points received",
            "",
        ] + self.events

    def draw(self, lines):
        if not self.tty:
            return
        width = shutil.get_terminal_size().columns
        out = [f"\033[{self.drawn}A"] if self.drawn else []
        out += [f"\033[2K{line[:width + 20]}\n" for line in lines]
        out += ["\033[2K\n"] * (self.drawn - len(lines))
        if self.drawn > len(lines):
            out.append(f"\033[{self.drawn - len(lines)}A")
        self.drawn = len(lines)
        sys.stdout.write("".join(out))
        sys.stdout.flush()
