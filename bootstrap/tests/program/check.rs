//! `kith-bootstrap check` of the real program, against a second one.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::start;

/// Checks settings by asking another node. Returns whether all is well, and the findings.
fn check(folder: &Path, settings: &str, more: &[&str]) -> (bool, Vec<Value>) {
    let file = folder.join("kith-bootstrap.toml");
    // Sizes that any machine has room for.
    let small = "[limits]\nconnections = 100\n[mailbox]\ncapacity_bytes = 2000000\ninbox_bytes = 1000000\n";
    std::fs::write(&file, format!("{settings}\n{small}")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap"));
    command.arg("--config").arg(&file).arg("--data").arg(folder.join("data")).args(["--http", "off"]);
    let output = command.args(["check", "--json"]).args(more).output().unwrap();
    let said: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        panic!("{} {}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    });
    assert_eq!(said.get("ok").unwrap().clone(), output.status.success(), "the exit code says the same");
    (output.status.success(), said.get("findings").unwrap().as_array().unwrap().clone())
}

fn says(findings: &[Value], level: &str, words: &str) -> usize {
    let like =
        |finding: &&Value| finding["level"] == level && finding["says"].as_str().unwrap().contains(words);
    findings.iter().filter(like).count()
}

#[test]
fn a_node_that_can_be_reached_is_reached_on_every_transport() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = start(other.path());
    let listen =
        "listen = [\"/ip4/127.0.0.1/tcp/0\", \"/ip4/127.0.0.1/udp/0/quic-v1\", \"/ip4/127.0.0.1/tcp/0/ws\"]";
    let (is_good, findings) = check(folder.path(), listen, &["--via", &other.address]);
    assert!(is_good, "{findings:#?}");
    assert_eq!(says(&findings, "ok", "was reached by another node"), 3, "{findings:#?}");
    for transport in ["/tcp/", "/quic-v1 ", "/ws "] {
        assert!(says(&findings, "ok", transport) > 0, "{transport} {findings:#?}");
    }
    assert!(!folder.path().join("data").exists(), "nothing is made");
}

#[test]
fn a_node_behind_a_closed_port_is_told_which_to_open() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = start(other.path());
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = format!(
        "listen = [\"/ip4/127.0.0.1/tcp/0\"]\nexternal = [\"/ip4/127.0.0.1/tcp/{closed}\"]\nbootstrap = [\"{}\"]",
        other.address
    );
    let (is_good, findings) = check(folder.path(), &settings, &[]);
    assert!(!is_good);
    assert_eq!(says(&findings, "error", "was not reached"), 1, "{findings:#?}");
    let action = findings.last().unwrap()["action"].as_str().unwrap();
    assert!(action.contains(&format!("TCP port {closed}")), "{action}");
}

#[test]
fn without_another_node_or_with_one_that_is_gone_it_says_what_was_not_tested() {
    let folder = tempfile::tempdir().unwrap();
    let listen = "listen = [\"/ip4/127.0.0.1/tcp/0\"]";
    let (is_good, findings) = check(folder.path(), listen, &[]);
    assert!(is_good);
    assert_eq!(says(&findings, "warning", "no other node is known"), 1, "{findings:#?}");
    let gone = start(folder.path());
    let address = gone.address.clone();
    gone.kill();
    let (is_good, findings) = check(folder.path(), listen, &["--via", &address]);
    assert!(!is_good);
    assert_eq!(says(&findings, "error", "none of the other nodes answers"), 1, "{findings:#?}");
}

#[test]
fn the_folder_of_a_running_node_is_left_alone() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let other = start(other.path());
    let _running = start(&folder.path().join("data"));
    let listen = "listen = [\"/ip4/127.0.0.1/tcp/0\"]";
    let (is_good, findings) = check(folder.path(), listen, &["--via", &other.address]);
    assert!(is_good);
    assert_eq!(says(&findings, "ok", "in use by a node that runs"), 1, "{findings:#?}");
    assert_eq!(says(&findings, "warning", "stop it and check again"), 0, "{findings:#?}");
    assert_eq!(says(&findings, "warning", "the node runs and has the ports"), 1, "{findings:#?}");
}
