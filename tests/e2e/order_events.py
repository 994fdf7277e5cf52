"""Raw order events, and what puts them into the topic."""
import json

from confluent_kafka import Producer


def order(number, at="2026-06-01T10:00:00Z", event_id=None, **fields):
    return json.dumps({"event_id": event_id or f"e{number}", "event_type": "order_created", "order_id": f"o{number}",
                       "occurred_at": at, "location": {"lat": 37.77, "lon": -122.42}, **fields}).encode()


class Sender:
    def __init__(self, platform):
        self.topic = platform.topic
        self.producer = Producer({"bootstrap.servers": platform.environment["RUSHCAST_KAFKA_BROKERS"], "linger.ms": 5,
                                  "enable.idempotence": True, "reconnect.backoff.max.ms": 500})

    def send(self, messages, deadline_s=30):
        for key, value in messages:
            self.producer.produce(self.topic, value, key)
            self.producer.poll(0)
        assert self.producer.flush(deadline_s) == 0
