"""The same two views as tests/bench/features/views declares, for Feast: 20 features of 10,000 entities online, and
their history."""
import datetime

from feast import Entity, FeatureView, Field, ValueType
from feast.infra.offline_stores.contrib.postgres_offline_store.postgres_source import PostgreSQLSource
from feast.types import Float64

driver = Entity(name="driver", join_keys=["driver"], value_type=ValueType.STRING)


def view(name, ttl):
    return FeatureView(name=name, entities=[driver], ttl=ttl, online=True,
                       schema=[Field(name=f"f{i:02}", dtype=Float64) for i in range(20)],
                       source=PostgreSQLSource(name=f"{name}_rows", query=f"SELECT * FROM peer.{name}",
                                               timestamp_field="event_timestamp", created_timestamp_column="created"))


bench_online = view("bench_online", datetime.timedelta(days=30))
bench_history = view("bench_history", datetime.timedelta(hours=48))
