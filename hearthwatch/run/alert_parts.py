"""Makes the parts of the alert service from server.toml."""

from collections.abc import Callable, Mapping

from alerts.core.practice import practice_of
from alerts.forecast import ForecastReader
from alerts.rulebook import load_rules
from alerts.service import AlertParts
from alerts.snapshot import SnapshotFile
from desk.database.engine import open_database
from desk.tickets.terms import ServiceProfile, ServiceTerms
from hearthwatch.run.server_settings import ServerSettings
from ingest.reception.admission import DeviceList
from ingest.store import open_store
from messaging.session import MqttSession
from wire.topics import every_gateway


def make_alert_parts(settings: ServerSettings) -> AlertParts:
    """Read the rule files and open nothing; raises ConfigurationError."""
    rules = load_rules(settings.rules)
    return AlertParts(
        bus=_session(settings),
        feed_reader=_feed_reader(settings),
        broker=settings.mqtt.url,
        root=settings.mqtt.root,
        open_database=lambda: open_database(settings.tickets.address),
        open_store=lambda: open_store(settings.store, settings.season.zone),
        snapshots=SnapshotFile(settings.alerts.state),
        forecast=ForecastReader(settings.forecast),
        rules=rules,
        practice=practice_of(rules, service_terms(settings)),
        season=settings.season.to_season(),
        listed=listed_gateways(settings),
    )


def listed_gateways(settings: ServerSettings) -> Callable[[], Mapping[str, str]]:
    """The gateways that the list of devices names by device, as ingest reads them."""
    file, only = settings.ingest.registered, settings.ingest.registered_only
    if file is None:
        return dict
    devices = DeviceList(file, only, settings.season.zone)
    return lambda: devices.current().gateways


def service_terms(settings: ServerSettings) -> ServiceTerms:
    """The clocks of `[alerts]`, with the days of `[season] timezone`."""
    clocks = settings.alerts
    profile = ServiceProfile(clocks.dispatch_within, clocks.onsite_within, clocks.repair_within)
    return ServiceTerms(settings.season.zone, profile)


def _session(settings: ServerSettings) -> MqttSession:
    topics = [every_gateway(kind, settings.mqtt.root) for kind in ("status", "telemetry")]
    return MqttSession(
        settings.mqtt, settings.alerts.client_id, subscriptions=topics, report_published=True
    )


def _feed_reader(settings: ServerSettings) -> MqttSession:
    client_id = f"{settings.alerts.client_id}-feed"
    topics = [f"{settings.mqtt.root}/alert/#"]
    return MqttSession(settings.mqtt, client_id, subscriptions=topics, persistent=False)
