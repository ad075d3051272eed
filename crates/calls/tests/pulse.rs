//! Real devices, as far as a machine without any has them: a PulseAudio of our own whose speaker is heard by its microphone. Where the program is not
//! installed nothing is tried, and it is said.

#![cfg(target_os = "linux")]

use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use kith_calls::device::Devices as _;
use kith_calls::device::choice::Choice;
use kith_calls::device::choice::Chosen;
use kith_calls::device::choice::Direction;
use kith_calls::device::choice::list;
use kith_calls::device::sound::loudness;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[ignore = "known to fail: the server lists no devices to us, and nobody knows yet why"]
fn what_a_speaker_plays_a_microphone_hears() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("pulse.sock");
    let protocol = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
    let sink = "module-null-sink sink_name=spk rate=48000 channels=1";
    let started = Command::new("pulseaudio")
        .args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
            "-L",
            &protocol,
            "-L",
            sink,
        ])
        .env("HOME", folder.path())
        .env("XDG_RUNTIME_DIR", folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let Ok(child) = started else {
        println!("pulseaudio is not installed: nothing was tried");
        return;
    };
    let _server = Server(child);
    let begin = Instant::now();
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(begin.elapsed() < Duration::from_secs(20), "the server does not start");
        std::thread::yield_now();
    }
    // Where the server is stands in the environment, which a process may not change while it runs.
    let tried = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_a_server", "--ignored", "--nocapture"])
        .env("PULSE_SERVER", format!("unix:{}", socket.display()))
        .output()
        .unwrap();
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
}

#[test]
#[ignore = "the test above runs it with a server"]
fn with_a_server() {
    struct Nowhere;
    impl kith_calls::device::VideoSink for Nowhere {
        fn show(&mut self, _: &kith_calls::Picture) {}
    }
    let found = list();
    assert!(found.iter().any(|found| found.direction == Direction::Out && found.id == "spk"), "{found:?}");
    assert!(found.iter().any(|found| found.direction == Direction::In), "{found:?}");
    let devices = Chosen::new(Choice::default(), Box::new(|_, _| Box::new(Nowhere)));
    let mut microphone = devices.microphone().unwrap();
    let mut speaker = devices.speaker().unwrap();
    assert!(microphone.hears_a_room());
    let speaking = std::thread::spawn(move || {
        let begin = Instant::now();
        for number in 0..150 {
            let block = std::array::from_fn(|at| {
                ((number * 480 + at) as f32 * 1_000.0 * std::f32::consts::TAU / 48_000.0).sin() * 0.5
            });
            speaker.write(&block).unwrap();
        }
        (begin.elapsed(), speaker.delay())
    });
    let mut heard = Vec::new();
    for _ in 0..100 {
        let mut block = [0.0; 480];
        microphone.read(&mut block).unwrap();
        heard.extend(block);
    }
    let level = loudness(&heard[24_000..43_200], 1_000.0);
    assert!((0.35..0.6).contains(&level), "as loud as it was: {level}");
    let (lasted, delay) = speaking.join().unwrap();
    assert!(lasted > Duration::from_millis(1_000), "the speaker keeps the pace: {lasted:?}");
    assert!(delay < Duration::from_millis(200), "{delay:?}");
    let missing = Chosen::new(
        Choice { speaker: "device:nothing".into(), ..Choice::default() },
        Box::new(|_, _| Box::new(Nowhere)),
    );
    assert!(missing.speaker().is_err(), "there is no such device");
}
