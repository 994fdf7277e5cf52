"""Order events as a city sends them: made up from a seed, in the order in which they reach Kafka, with the steps of
each order, duplicates, late and malformed events. About 350 bytes an event."""
import dataclasses

import numpy as np

BRANCHES = 2000
CUSTOMERS = 200_000
MENUS = 512
CENTRE = (-34.6037, -58.4416)
SPREAD_DEGREES = 0.12
STEP_S = {"order_accepted": 120, "order_picked_up": 900, "order_delivered": 1800, "order_cancelled": 400}
CANCELLED = 0.08
SOON_EVENTS = 2000  # a sender that gets no answer sends again within about that many events


@dataclasses.dataclass(frozen=True)
class Shares:
    """Of the events: sent twice; sent long after they happened; unusable; with a branch instead of coordinates. Of those
    sent twice: the second time with another key, so perhaps to another partition."""
    duplicates: float = 0.02
    astray: float = 0.0
    late: float = 0.0
    malformed: float = 0.0
    unplaced: float = 0.0


def malformed(number, good):
    """The good event, or one like it, spoilt in one of many ways; never a good one."""
    ways = [good[:-20], b"\xff\xfe" + good[2:], b"[" + good + b"]", b"", b"{}", b"null",
            good.replace(b'"order_id":', b'"order":'), good.replace(b'"event_type":"order_', b'"event_type":"meal_'),
            good.replace(b'"occurred_at":"20', b'"occurred_at":"32'), good.replace(b'"event_id":"', b'"event_id":7,"x":"'),
            good.replace(b'"total":{"amount":"', b'"total":{"amount":"-'), b"x" * 1000, good + b"}"]
    return ways[number % len(ways)]


class OrderLife:
    """`messages()` gives exactly `events` messages. Orders are numbered from `first_order` on; the last event happens at
    `until` (seconds since 1970), the first one `hours` earlier."""

    def __init__(self, events, seed, until, hours=168, shares=Shares(), first_order=0):
        self.events, self.shares = events, shares
        self.rng = rng = np.random.default_rng(seed)
        self.first_order, self.until, self.hours = first_order, until, hours
        verticals = np.where(rng.random(BRANCHES) < 0.7, "restaurant", "goods")
        places = np.asarray(CENTRE) + rng.normal(0, SPREAD_DEGREES, (BRANCHES, 2))
        self.places = [f',"location":{{"lat":{lat:.5f},"lon":{lon:.5f}}}' for lat, lon in places]
        self.branches = [f'"branch_id":"br-{i:04}","vertical":"{vertical}"' for i, vertical in enumerate(verticals)]
        self.menus = [f',"items":[{{"sku":"{sku:04}","name":"Pan {sku % 100}","quantity":{quantity},'
                      f'"unit_price":"{price}.50"}}],"total":{{"amount":"{quantity * price}.{quantity * 50 % 100:02}",'
                      '"currency":"ARS"}}'
                      for sku, quantity, price in rng.integers([0, 1, 300], [9999, 5, 9000], (MENUS, 3))]

    def steps(self):
        """Arrays of order, step and time of the events, in the order of event time; each (order, step) once."""
        rng, wanted = self.rng, self.events - round(self.events * (self.shares.duplicates + self.shares.malformed))
        orders = wanted // 3 + 1  # 3.8 steps each
        created = np.sort(rng.random(orders)) * self.hours * 3600
        cancelled = rng.random(orders) < CANCELLED
        number, step, at = [np.arange(orders)], [np.full(orders, "order_created")], [created]
        for name, mean_s in STEP_S.items():
            has = cancelled == (name == "order_cancelled") if name != "order_accepted" else np.ones(orders, bool)
            number.append(np.flatnonzero(has))
            step.append(np.full(has.sum(), name))
            at.append(created[has] + mean_s * (0.5 + rng.random(has.sum())))
        number, step, at = map(np.concatenate, (number, step, at))
        first = np.argsort(at, kind="stable")[:wanted]
        at = at[first] + self.until - at[first][-1]
        return number[first], step[first], at

    def sent(self, count):
        """Which event each message carries (-1 - n: the n-th malformed one), in the order of sending, and which of them
        are second ones."""
        rng, shares = self.rng, self.shares
        place = np.arange(count, dtype=float)
        late = rng.random(count) < shares.late
        place[late] += rng.random(late.sum()) * (count - place[late])
        spoilt = round(self.events * shares.malformed)
        again = rng.integers(0, count, self.events - count - spoilt)
        soon = rng.random(again.size) < 0.9
        delay = np.where(soon, rng.exponential(SOON_EVENTS, again.size), rng.random(again.size) * (count - place[again]))
        which = np.concatenate([np.arange(count), again, -1 - np.arange(spoilt)])
        second = np.concatenate([np.zeros(count, bool), np.ones(again.size, bool), np.zeros(spoilt, bool)])
        order = np.argsort(np.concatenate([place, place[again] + delay, rng.random(spoilt) * count]), kind="stable")
        return which[order], second[order]

    def messages(self):
        """Yields (key, value)."""
        rng = self.rng
        number, step, at = self.steps()
        which, second = self.sent(number.size)
        times = np.datetime_as_string((at * 1000).astype("datetime64[ms]"), unit="ms", timezone="UTC").tolist()
        orders = number.max() + 1
        branch_of = (BRANCHES * rng.random(orders) ** 2).astype(int).tolist()
        customer_of = rng.integers(0, CUSTOMERS, orders).tolist()
        menu_of = rng.integers(0, MENUS, orders).tolist()
        placed = (rng.random(number.size) >= self.shares.unplaced).tolist()
        number, step = number.tolist(), step.tolist()
        astray = (second & (rng.random(second.size) < self.shares.astray)).tolist()
        branches, places, menus = self.branches, self.places, self.menus
        for i, again, elsewhere in zip(which.tolist(), second.tolist(), astray):
            spoilt = i < 0
            event = -1 - i if spoilt else i
            order = number[event]
            key, branch = f"ord-{self.first_order + order:08}", branch_of[order]
            # Every other second event has an id of its own.
            event_id = f"{self.first_order:x}-{event:x}{'-again' if again and event % 2 else ''}"
            value = (f'{{"event_id":"{event_id}","event_type":"{step[event]}","order_id":"{key}","occurred_at":'
                     f'"{times[event]}",{branches[branch]}{places[branch] if placed[event] else ""},"customer_id":'
                     f'"cu-{customer_of[order]:08x}"{menus[menu_of[order]]}').encode()
            if spoilt:
                yield f"bad-{i}", malformed(event, value)
            else:
                yield (event_id if elsewhere else key), value
