//! Real devices, as far as a machine without any has them: a PulseAudio of our own whose speaker is heard by its microphone. Where the program is not
//! installed nothing is tried, and it is said.

#![cfg(target_os = "linux")]

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
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

/// A server with one speaker, at `PULSE_SERVER`.
struct Server(Child);

impl Server {
    fn start(socket: &Path) -> std::io::Result<Self> {
        let folder = socket.with_file_name("");
        // The speaker is there before anybody can connect.
        let speaker = "module-null-sink sink_name=spk rate=48000 channels=1";
        let protocol = format!("module-native-protocol-unix auth-anonymous=1 socket={}", socket.display());
        let child = Command::new("pulseaudio")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"])
            .args(["-L", speaker, "-L", &protocol])
            .env("HOME", &folder)
            .env("XDG_RUNTIME_DIR", folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self(child);
        let begin = Instant::now();
        while UnixStream::connect(socket).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(20), "the server does not start");
            std::thread::yield_now();
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_speaker_plays_a_microphone_hears() {
    let folder = tempfile::tempdir().unwrap();
    // Where the server is stands in the environment, which a process may not change while it runs.
    let tried = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "with_a_server", "--ignored", "--nocapture"])
        .env("PULSE_SERVER", format!("unix:{}", folder.path().join("pulse.sock").display()))
        .output()
        .unwrap();
    print!("{}", String::from_utf8_lossy(&tried.stdout));
    assert!(tried.status.success(), "{}", String::from_utf8_lossy(&tried.stderr));
}

#[test]
#[ignore = "the test above runs it with a server"]
fn with_a_server() {
    struct Nowhere;
    impl kith_calls::device::VideoSink for Nowhere {
        fn show(&mut self, _: &kith_calls::Picture) {}
    }
    let socket = std::env::var("PULSE_SERVER").unwrap().replace("unix:", "");
    let server = match Server::start(Path::new(&socket)) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("pulseaudio is not installed: nothing was tried");
            return;
        }
        started => started.unwrap(),
    };
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
        (begin.elapsed(), speaker)
    });
    let mut heard = Vec::new();
    for _ in 0..100 {
        let mut block = [0.0; 480];
        microphone.read(&mut block).unwrap();
        heard.extend(block);
    }
    let level = loudness(&heard[24_000..43_200], 1_000.0);
    assert!((0.35..0.6).contains(&level), "as loud as it was: {level}");
    let (lasted, mut speaker) = speaking.join().unwrap();
    let delay = speaker.delay();
    assert!(lasted > Duration::from_millis(1_000), "the speaker keeps the pace: {lasted:?}");
    assert!(delay < Duration::from_millis(200), "{delay:?}");
    let missing = Chosen::new(
        Choice { speaker: "device:nothing".into(), ..Choice::default() },
        Box::new(|_, _| Box::new(Nowhere)),
    );
    assert!(missing.speaker().is_err(), "there is no such device");

    // A server that ends is noticed, and the next one is found.
    drop(server);
    let mut block = [0.0; 480];
    let gone = (0..1_000).any(|_| microphone.read(&mut block).is_err());
    assert!(gone, "nobody is heard by a server that is not there");
    let gone = (0..1_000).any(|_| speaker.write(&block).is_err());
    assert!(gone, "nobody plays");
    assert!(devices.microphone().is_err());
    let _server = Server::start(Path::new(&socket)).unwrap();
    assert!(list().iter().any(|found| found.id == "spk"), "the new server lists its devices");
    devices.microphone().unwrap().read(&mut block).unwrap();
}
