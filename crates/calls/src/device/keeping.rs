//! New files for what was heard and seen: nobody else on this machine reads them, and none that is there is written over.

use std::ffi::OsString;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::path::PathBuf;

/// Begins a file, with a number behind its name when there is one of this name.
///
/// # Errors
/// If it cannot be written, or there are too many.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for number in 1..=MOST {
        match options.open(numbered(path, number)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            opened => return opened,
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// `talk.wav`, `talk-2.wav`, `talk-3.wav` …
fn numbered(path: &Path, number: u32) -> PathBuf {
    if number == 1 {
        return path.to_owned();
    }
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(format!("-{number}"));
    if let Some(end) = path.extension() {
        name.push(OsString::from("."));
        name.push(end);
    }
    path.with_file_name(name)
}

/// Whoever has more does not look at them.
const MOST: u32 = 1_000;

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn nothing_is_written_over_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("talk.wav");
        for number in 1..4_u8 {
            create(&path).unwrap().write_all(&[number]).unwrap();
        }
        for (name, number) in [("talk.wav", 1), ("talk-2.wav", 2), ("talk-3.wav", 3)] {
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), [number]);
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{name} is for its owner alone");
            }
        }
        assert!(create(&folder.path().join("nowhere/talk.wav")).is_err());
    }
}
