//! Cameras on Linux (Video4Linux). Not tested with real ones here; what is made of their pictures is (`colours`).

use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use v4l::Device;
use v4l::FourCC;
use v4l::buffer::Type;
use v4l::capability::Flags;
use v4l::io::mmap::Stream;
use v4l::io::traits::CaptureStream as _;
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::Gone;
use super::NoDevice;
use super::VideoSource;
use super::Wish;
use super::choice::FoundPicture;
use super::colours;
use crate::Picture;

/// A camera.
pub(super) struct Camera {
    stream: Stream<'static>,
    form: Form,
    size: (u32, u32),
    stride: usize,
    /// How much of a picture's time has passed since one was given, in parts of [`FRAMES`].
    owed: u32,
}

/// How it gives its pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Yuyv,
    Nv12,
    Jpeg,
}

impl Form {
    /// The best one first: a camera that compresses gives 30 large pictures a second where others give ten.
    const ALL: [Self; 3] = [Self::Jpeg, Self::Nv12, Self::Yuyv];

    fn code(self) -> FourCC {
        FourCC::new(match self {
            Self::Yuyv => b"YUYV",
            Self::Nv12 => b"NV12",
            Self::Jpeg => b"MJPG",
        })
    }
}

impl Camera {
    /// Opens the one of this path, or the first.
    ///
    /// # Errors
    /// If there is no such camera, or it does not work.
    pub(super) fn open(id: Option<&str>) -> Result<Self, NoDevice> {
        let first = || {
            list().into_iter().next().and_then(|found| found.word.strip_prefix("device:").map(PathBuf::from))
        };
        let path = match id {
            Some(id) => Path::new(id).starts_with("/dev").then(|| PathBuf::from(id)),
            None => first(),
        };
        let device =
            Device::with_path(path.ok_or(NoDevice::Missing)?).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => NoDevice::Missing,
                _ => broken(&error),
            })?;
        let offered = device.enum_formats().map_err(|error| broken(&error))?;
        let form = Form::ALL.into_iter().find(|form| offered.iter().any(|offer| offer.fourcc == form.code()));
        let form =
            form.ok_or_else(|| NoDevice::Broken("its pictures have a form that Kith does not know".into()))?;
        let mut format = device.format().map_err(|error| broken(&error))?;
        (format.width, format.height, format.fourcc) = (WIDTH, HEIGHT, form.code());
        // It answers with what comes nearest.
        let format = device.set_format(&format).map_err(|error| broken(&error))?;
        if format.fourcc != form.code() || format.width.max(format.height) > Picture::LONGEST {
            return Err(NoDevice::Broken("it does not give the pictures that it offers".into()));
        }
        // Some can only do their own rate.
        let _ = device.set_params(&Parameters::with_fps(FRAMES));
        let mut stream =
            Stream::with_buffers(&device, Type::VideoCapture, BUFFERS).map_err(|error| broken(&error))?;
        stream.set_timeout(PATIENCE);
        let size = (format.width, format.height);
        Ok(Self { stream, form, size, stride: usize::try_from(format.stride).unwrap_or(0), owed: 0 })
    }
}

impl VideoSource for Camera {
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone> {
        loop {
            let (data, told) = self.stream.next().map_err(|error| {
                tracing::info!(%error, "a camera is gone");
                Gone
            })?;
            // It keeps its own pace: where fewer pictures are wanted, some are left out.
            self.owed += wish.frames.clamp(1, FRAMES);
            if self.owed < FRAMES {
                continue;
            }
            self.owed -= FRAMES;
            let data = data.get(..told.bytesused as usize).unwrap_or(data);
            match self.form {
                Form::Yuyv => colours::from_yuyv(data, self.size, self.stride, picture),
                Form::Nv12 => colours::from_nv12(data, self.size, self.stride, picture),
                // Part of a picture may be lost on the cable.
                Form::Jpeg if from_jpeg(data, self.size, picture).is_none() => continue,
                Form::Jpeg => {}
            }
            return Ok(());
        }
    }
}

/// Takes a compressed picture of the size that was agreed on.
fn from_jpeg(data: &[u8], size: (u32, u32), picture: &mut Picture) -> Option<()> {
    let (width, height) = (size.0 as usize, size.1 as usize);
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(width)
        .set_max_height(height);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    let pixels = decoder.decode().ok()?;
    if decoder
        .info()
        .is_none_or(|info| (usize::from(info.width), usize::from(info.height)) != (width, height))
    {
        return None;
    }
    colours::from_rgb(&pixels, size, width * 3, colours::RGB, picture);
    Some(())
}

/// The cameras that are there, by their numbers.
pub(super) fn list() -> Vec<FoundPicture> {
    let mut found = Vec::new();
    for number in 0..MOST_FOUND {
        let path = format!("/dev/video{number}");
        let Ok(device) = Device::with_path(&path) else { continue };
        let Ok(can) = device.query_caps() else { continue };
        // A camera has more than one name; under the others it tells about its pictures.
        if can.capabilities.contains(Flags::VIDEO_CAPTURE | Flags::STREAMING)
            && device.enum_formats().is_ok_and(|formats| !formats.is_empty())
        {
            found.push(FoundPicture {
                word: format!("device:{path}"),
                name: can.card,
                is_default: found.is_empty(),
            });
        }
    }
    found
}

fn broken(error: &std::io::Error) -> NoDevice {
    NoDevice::Broken(match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "this user may not use it: add them to the group “video”".to_owned()
        }
        std::io::ErrorKind::ResourceBusy => "another program uses it".to_owned(),
        _ => error.to_string(),
    })
}

/// What is asked for: the largest that is sent.
const WIDTH: u32 = 1_280;
const HEIGHT: u32 = 720;
const FRAMES: u32 = 30;

/// One that is being filled, one that is read, and two for a thread that is late.
const BUFFERS: u32 = 4;

/// The first picture of some cameras takes a second or two.
const PATIENCE: Duration = Duration::from_secs(5);

const MOST_FOUND: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_not_there_is_missing() {
        for word in ["/dev/video999", "/etc/passwd", "relative"] {
            assert_eq!(Camera::open(Some(word)).err(), Some(NoDevice::Missing), "{word}");
        }
    }

    #[test]
    fn compressed_pictures_are_those_that_were_agreed_on() {
        let data = include_bytes!("camera/grey.jpg");
        let mut picture = Picture::default();
        assert!(from_jpeg(data, (16, 8), &mut picture).is_some());
        assert_eq!((picture.width(), picture.height()), (16, 8));
        assert!(picture.y().iter().all(|sample| sample.abs_diff(126) < 4), "{:?}", picture.y());
        assert!(from_jpeg(data, (8, 8), &mut picture).is_none(), "of another size");
        assert!(from_jpeg(data, (16, 16), &mut picture).is_none());
        for length in 0..data.len() / 2 {
            let _ = from_jpeg(data.get(..length).unwrap(), (16, 8), &mut picture);
        }
    }
}
