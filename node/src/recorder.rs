//! Writes a record of the engine's run to a file, for whoever asked for one. A file that cannot be written costs the
//! record, never the run.

use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::BufWriter;
use std::io::Write as _;
use std::path::Path;

use kith_engine::record::Line;

/// A record under way.
pub(crate) struct Recorder(Option<BufWriter<File>>);

impl Recorder {
    /// Goes on with a file, or begins one that only its owner may read.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = BufWriter::new(options.open(path)?);
        // A run that was cut off may have left half a line.
        if file.get_ref().metadata()?.len() > 0 {
            file.write_all(b"\n")?;
        }
        Ok(Self(Some(file)))
    }

    pub(crate) fn line(&mut self, line: &Line) {
        self.with(|file| {
            serde_json::to_writer(&mut *file, line).map_err(io::Error::other)?;
            file.write_all(b"\n")
        });
    }

    pub(crate) fn flush(&mut self) {
        self.with(BufWriter::flush);
    }

    fn with(&mut self, write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) {
        if let Some(file) = &mut self.0
            && let Err(error) = write(file)
        {
            tracing::warn!(%error, "the record ends here: it cannot be written");
            self.0 = None;
        }
    }
}
