//! The picture as numbers for Prometheus, in the OpenMetrics text format. Labels come from the lists here and never from
//! outside, so there are as many lines on the first day as on the last.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::status::Picture;

/// What the text is called in HTTP.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes the numbers.
///
/// # Errors
/// Never, but the encoder's signature allows it.
pub(crate) fn render(picture: &Picture) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("kith");
    registry.register_collector(Box::new(Figures(picture.clone())));
    let mut out = String::new();
    text::encode(&mut out, &registry)?;
    Ok(out)
}

#[derive(Debug)]
struct Figures(Picture);

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut lines = Lines(encoder);
        let picture = &self.0;
        process(picture, &mut lines)?;
        connections(picture, &mut lines)?;
        services(picture, &mut lines)?;
        turn(picture, &mut lines)?;
        mailbox(picture, &mut lines)
    }
}

/// Writes one metric at a time.
struct Lines<'a>(DescriptorEncoder<'a>);

impl Lines<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        self.0.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&clamp(value))
    }

    fn maybe_gauge(&mut self, name: &str, help: &str, value: Option<u64>) -> Result<(), Error> {
        value.map_or(Ok(()), |value| self.gauge(name, help, value))
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        metric.encode_counter::<NoLabelSet, _, u64>(&value, None)
    }

    /// A gauge for each value of a label.
    fn gauges(&mut self, name: &str, help: &str, label: &str, each: &[(&str, u64)]) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (of, value) in each {
            metric.encode_family(&[(label, *of)])?.encode_gauge(&clamp(*value))?;
        }
        Ok(())
    }

    /// A counter for each value of a label.
    fn counters(&mut self, name: &str, help: &str, label: &str, each: &[(&str, u64)]) -> Result<(), Error> {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (of, value) in each {
            metric.encode_family(&[(label, *of)])?.encode_counter::<NoLabelSet, _, u64>(value, None)?;
        }
        Ok(())
    }
}

fn clamp(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn process(picture: &Picture, lines: &mut Lines<'_>) -> Result<(), Error> {
    let (usage, told) = (&picture.usage, &picture.told);
    let version = &[("version", env!("CARGO_PKG_VERSION"))];
    lines
        .0
        .encode_descriptor("build", "The program that runs", None, MetricType::Info)?
        .encode_info(version)?;
    lines.gauge("uptime_seconds", "Seconds since the start", picture.uptime.as_secs())?;
    lines.maybe_gauge("resident_memory_bytes", "Memory in use", usage.resident_bytes)?;
    lines.maybe_gauge("open_files", "Open file descriptors", usage.open_files)?;
    lines.maybe_gauge("open_files_max", "File descriptors that may be open", usage.open_files_most)?;
    lines.maybe_gauge("disk_free_bytes", "Room on the disk of the data folder", usage.disk_free_bytes)?;
    let accepted = u64::from(told.settings_refused.is_none());
    lines.gauge(
        "settings_accepted",
        "1 unless the settings file was refused when it was read last",
        accepted,
    )?;
    let listening = told.addresses.len() as u64;
    lines.gauge("listening_addresses", "Addresses this node tells people", listening)
}

fn connections(picture: &Picture, lines: &mut Lines<'_>) -> Result<(), Error> {
    let net = &picture.net;
    let open = [
        ("tcp", net.open_tcp),
        ("quic", net.open_quic),
        ("websocket", net.open_websocket),
        ("webrtc", net.open_webrtc),
        ("relayed", net.open_relayed),
    ];
    lines.gauges("connections", "Open connections", "transport", &open)?;
    let most = u64::from(picture.told.config.limits.connections);
    lines.gauge("connections_max", "Connections that may be open", most)?;
    lines.counter("connections_opened", "Connections that came up", net.connections)?;
    let refused = [
        ("address", net.refused_address),
        ("network", net.refused_network),
        ("rate", net.refused_rate),
        ("device", net.refused_device),
        ("full", net.refused_full),
        ("banned", net.refused_banned),
        ("webrtc_handshakes", net.webrtc_refused),
    ];
    lines.counters("connections_refused", "Connections refused", "reason", &refused)?;
    let bytes = [("in", net.wire_in), ("out", net.wire_out)];
    lines.counters("wire_bytes", "Bytes on all connections, without headers", "direction", &bytes)?;
    lines.counter("bans", "Devices refused for a while because they broke rules", net.bans)?;
    lines.counter("streams_refused", "Streams refused because a device had too many", net.streams_refused)?;
    lines.gauge("peers", "Connected devices and nodes", net.peers)
}

fn services(picture: &Picture, lines: &mut Lines<'_>) -> Result<(), Error> {
    let (net, config) = (&picture.net, &picture.told.config);
    lines.gauge("dht_peers", "Nodes in the routing table", net.dht_peers)?;
    let over_share = net.nodes_over_share;
    lines.counter(
        "dht_peers_refused",
        "Nodes whose network has enough places in the routing table",
        over_share,
    )?;
    lines.gauge("dht_records", "Records kept for others", net.records)?;
    lines.gauge("dht_records_max", "Records that may be kept", config.limits.records as u64)?;
    lines.counter("dht_records_stored", "Records taken, new and renewed", net.records_stored)?;
    let refused =
        [("invalid", net.records_refused), ("share", net.records_over_share), ("full", net.records_no_room)];
    lines.counters("dht_records_refused", "Records not taken", "reason", &refused)?;
    let gave_way = net.records_gave_way;
    lines.counter(
        "dht_records_gave_way",
        "Records that made room for those of smaller networks",
        gave_way,
    )?;
    lines.counter("dht_look_ups", "Look-ups of records by others", net.look_ups_served)?;
    lines.gauge("relay_reservations", "Devices that hold a place at this relay", net.reservations)?;
    lines.gauge("relay_reservations_max", "Places at this relay", config.relay.reservations as u64)?;
    let asked = [("given", net.reservations_given), ("refused", net.reservations_refused)];
    lines.counters("relay_reservations_asked", "Places asked for or renewed", "answer", &asked)?;
    lines.gauge("relay_circuits", "Connections passed on", net.circuits)?;
    lines.gauge("relay_circuits_max", "Connections that may be passed on", config.relay.circuits as u64)?;
    let asked = [("begun", net.circuits_begun), ("refused", net.circuits_refused)];
    lines.counters("relay_circuits_asked", "Connections asked to be passed on", "answer", &asked)?;
    let tests =
        [("reached", net.tests_reached), ("failed", net.tests_failed), ("refused", net.tests_refused)];
    lines.counters("autonat_tests", "Tests whether a device can be reached", "result", &tests)
}

fn turn(picture: &Picture, lines: &mut Lines<'_>) -> Result<(), Error> {
    let Some(turn) = &picture.turn else { return Ok(()) };
    let config = &picture.told.config.turn;
    lines.gauge("turn_addresses", "Relayed addresses of calls", turn.open as u64)?;
    lines.gauge("turn_addresses_max", "Relayed addresses that may be open", config.addresses as u64)?;
    lines.counter("turn_addresses_opened", "Relayed addresses opened", turn.allocated)?;
    let asked = [("lent", turn.issued), ("refused", turn.not_issued), ("unheard", picture.net.turn_unheard)];
    lines.counters("turn_credentials", "Credentials that members asked for", "answer", &asked)?;
    lines.counter("turn_bindings", "Addresses told to who asked for theirs (STUN)", turn.bindings)?;
    lines.counter("turn_bytes", "Bytes passed on for calls", turn.bytes)?;
    lines.counter("turn_datagrams", "Datagrams passed on for calls", turn.datagrams)?;
    let refused = [
        ("credentials", turn.bad_credentials),
        ("quota", turn.over_quota),
        ("peer", turn.forbidden_peers),
        ("rate", turn.over_rate),
        ("too_fast", turn.too_fast),
        ("other", turn.dropped),
    ];
    lines.counters("turn_refused", "Requests refused and datagrams dropped", "reason", &refused)
}

fn mailbox(picture: &Picture, lines: &mut Lines<'_>) -> Result<(), Error> {
    let Some(mailbox) = &picture.mailbox else { return Ok(()) };
    let (held, counted, config) = (&mailbox.held, &mailbox.counted, &picture.told.config.mailbox);
    lines.gauge("mailbox_inboxes", "Open inboxes", held.inboxes.into())?;
    lines.gauge("mailbox_inboxes_max", "Inboxes that may be open", config.inboxes.into())?;
    lines.gauge("mailbox_queues", "Queues of all inboxes", held.queues.into())?;
    lines.gauge("mailbox_envelopes", "Envelopes kept", held.envelopes)?;
    lines.gauge("mailbox_bytes", "Bytes kept", held.bytes)?;
    lines.gauge("mailbox_bytes_max", "Bytes that may be kept", config.capacity_bytes)?;
    lines.gauge("mailbox_streams", "Open streams", held.streams.into())?;
    lines.gauge("mailbox_streams_max", "Streams that may be open", config.streams.into())?;
    let refused = picture.mailbox_refused;
    lines.counter(
        "mailbox_streams_refused",
        "Streams refused because the mailbox was too far behind",
        refused,
    )?;
    lines.counter(
        "mailbox_streams_closed_for_room",
        "Streams for which there was no room",
        counted.too_many,
    )?;
    let is_short = u64::from(mailbox.is_short);
    lines.gauge(
        "mailbox_short_of_disk",
        "1 while nothing new is taken: the disk is nearly full",
        is_short,
    )?;
    lines.counter("mailbox_commits", "Commits to the disk", mailbox.commits)?;
    lines.counter("mailbox_requests", "Requests read", counted.requests)?;
    lines.counter("mailbox_registrations", "Inboxes opened and renewed", counted.registrations)?;
    lines.counter("mailbox_deposits", "Envelopes taken", counted.deposits)?;
    lines.counter("mailbox_fetched", "Envelopes handed over", counted.fetched)?;
    let gone = [("deleted", counted.deleted), ("expired", counted.expired), ("gave_way", counted.gave_way)];
    lines.counters("mailbox_envelopes_gone", "Envelopes not kept any more", "why", &gone)?;
    let refused = [
        ("malformed", counted.malformed),
        ("rules", counted.refused),
        ("signature", counted.bad_signatures),
        ("work", counted.bad_work),
        ("rate", counted.too_fast),
        ("quota", counted.over_quota),
        ("full", counted.full),
        ("no_queue", counted.no_queue),
    ];
    lines.counters("mailbox_refused", "Requests refused", "reason", &refused)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::picture;

    #[test]
    fn every_line_is_a_number_under_a_known_name_and_labels_do_not_grow() {
        let text = render(&picture()).unwrap();
        assert!(text.ends_with("# EOF\n"));
        for wanted in [
            "kith_build_info{version=\"",
            "kith_connections{transport=\"quic\"} 4\n",
            "kith_connections_refused_total{reason=\"rate\"} 5\n",
            "kith_dht_records 6\n",
            "kith_uptime_seconds 93784\n",
            "kith_mailbox_refused_total{reason=\"quota\"} 0\n",
            "kith_open_files_max 65536\n",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in\n{text}");
        }
        let lines = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
        let mut busy = picture();
        (busy.net.open_tcp, busy.net.refused_full) = (u64::MAX, u64::MAX);
        assert_eq!(lines(&render(&busy).unwrap()), lines(&text));
        assert!(text.lines().all(|line| line.starts_with("# ") || line.starts_with("kith_")));
        assert!(!text.contains("12D3Koo") && !text.contains("198.51.100.7"), "nobody is named");
    }

    #[test]
    fn a_node_without_a_mailbox_does_not_count_one() {
        let text = render(&Picture { mailbox: None, ..picture() }).unwrap();
        assert!(!text.contains("mailbox"));
    }
}
