//! The decoder: frames come from others and may be anything.

#![expect(unsafe_code, reason = "libvpx is called here")]

use std::ffi::c_int;
use std::ffi::c_uint;
use std::mem::zeroed;
use std::ptr;
use std::slice;

use thiserror::Error;

use crate::picture::Picture;

/// Why a frame was not decoded. All of these but `NotStarted` are the sender's fault, and end with the next keyframe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// libvpx does not start.
    #[error("The video decoder cannot be started (libvpx error {0}).")]
    NotStarted(i32),
    /// It is empty, too long, or no VP8.
    #[error("The frame is no VP8.")]
    NoFrame,
    /// The picture would be larger than allowed.
    #[error("The picture is larger than what is shown here.")]
    TooLarge,
    /// libvpx could not decode it.
    #[error("The frame is damaged (libvpx error {0}).")]
    Damaged(i32),
}

/// Decodes the frames of one stream.
pub struct Decoder {
    context: Box<vpx_sys::vpx_codec_ctx_t>,
    most_pixels: u64,
    /// A keyframe was decoded: others refer to something.
    begun: bool,
}

// SAFETY: libvpx keeps nothing of a context in threads of the caller, and it is reached through `&mut self` alone.
unsafe impl Send for Decoder {}

impl Decoder {
    /// A decoder for pictures of at most `most_pixels`: a header of ten bytes can ask for 268 million, and libvpx would take
    /// memory for all of them.
    ///
    /// # Errors
    /// [`DecodeError::NotStarted`].
    pub fn new(most_pixels: u64) -> Result<Self, DecodeError> {
        // SAFETY: a structure of numbers and pointers, for which all zero is a value; the next call fills it.
        let mut context: Box<vpx_sys::vpx_codec_ctx_t> = Box::new(unsafe { zeroed() });
        // SAFETY: the context is ours, no configuration is allowed. The version is that of the header the bindings were made of, so a
        // library of another layout refuses.
        let result = unsafe {
            vpx_sys::vpx_codec_dec_init_ver(
                &mut *context,
                vpx_sys::vpx_codec_vp8_dx(),
                ptr::null(),
                0,
                vpx_sys::VPX_DECODER_ABI_VERSION as c_int,
            )
        };
        if result != vpx_sys::VPX_CODEC_OK {
            return Err(DecodeError::NotStarted(result as i32));
        }
        Ok(Self { context, most_pixels, begun: false })
    }

    /// Decodes a frame into `picture`. `false` when it shows nothing.
    ///
    /// # Errors
    /// All of [`DecodeError`] but `NotStarted`. A frame that needs another before the first keyframe is [`DecodeError::NoFrame`].
    pub fn decode(&mut self, frame: &[u8], picture: &mut Picture) -> Result<bool, DecodeError> {
        match header(frame)? {
            Header::Key { width, height } => {
                if width == 0 || height == 0 {
                    return Err(DecodeError::NoFrame);
                }
                if u64::from(width) * u64::from(height) > self.most_pixels {
                    // What follows refers to it, and not to what was decoded before.
                    self.begun = false;
                    return Err(DecodeError::TooLarge);
                }
            }
            Header::Other if !self.begun => return Err(DecodeError::NoFrame),
            Header::Other => {}
        }
        let len = c_uint::try_from(frame.len()).map_err(|_| DecodeError::NoFrame)?;
        // SAFETY: the context was initialised in `new`; `frame` is `len` bytes that libvpx only reads, during the call.
        let result =
            unsafe { vpx_sys::vpx_codec_decode(&mut *self.context, frame.as_ptr(), len, ptr::null_mut(), 0) };
        let shown = self.take(picture);
        if result != vpx_sys::VPX_CODEC_OK {
            return Err(DecodeError::Damaged(result as i32));
        }
        self.begun = true;
        Ok(shown)
    }

    /// Copies what was decoded, and takes all of it so that nothing is left for the next frame.
    fn take(&mut self, picture: &mut Picture) -> bool {
        let mut cursor: vpx_sys::vpx_codec_iter_t = ptr::null();
        let mut shown = false;
        loop {
            // SAFETY: the context was initialised in `new`; the cursor began as null and is only changed by this call.
            let image = unsafe { vpx_sys::vpx_codec_get_frame(&mut *self.context, &mut cursor) };
            // SAFETY: libvpx gives null or a picture that stays until the next call to decode.
            let Some(image) = (unsafe { image.as_ref() }) else { return shown };
            let fits = u64::from(image.d_w) * u64::from(image.d_h) <= self.most_pixels;
            if image.fmt != vpx_sys::vpx_img_fmt::VPX_IMG_FMT_I420
                || !fits
                || image.d_w == 0
                || image.d_h == 0
            {
                continue;
            }
            picture.resize(image.d_w, image.d_h);
            let (width, half) = (picture.width() as usize, picture.chroma_width() as usize);
            let [y, u, v, _] = image.planes;
            let [y_stride, u_stride, v_stride, _] = image.stride;
            // SAFETY: a decoded I420 picture has `d_h` lines of `d_w` samples of brightness, half of both, rounded up, of each colour, and
            // its lines are `stride` apart. It is not changed while this borrows the decoder.
            unsafe {
                copy(y, y_stride, picture.y_mut(), width);
                let (to_u, to_v) = picture.uv_mut();
                copy(u, u_stride, to_u, half);
                copy(v, v_stride, to_v, half);
            }
            shown = true;
        }
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised in `new`, and nothing uses it afterwards.
        unsafe { vpx_sys::vpx_codec_destroy(&mut *self.context) };
    }
}

/// Copies lines that are `stride` apart, as many as `to` holds.
///
/// # Safety
/// At `from` there are that many lines of `width` bytes, `stride` apart.
unsafe fn copy(from: *const u8, stride: c_int, to: &mut [u8], width: usize) {
    for (line, to) in to.chunks_exact_mut(width).enumerate() {
        // SAFETY: the caller promises this line.
        let from = unsafe { slice::from_raw_parts(from.offset(line as isize * stride as isize), width) };
        to.copy_from_slice(from);
    }
}

/// What the first bytes say (RFC 6386, 9.1).
enum Header {
    Key { width: u32, height: u32 },
    Other,
}

fn header(frame: &[u8]) -> Result<Header, DecodeError> {
    if frame.len() > LONGEST {
        return Err(DecodeError::NoFrame);
    }
    // Three bytes of tag; a first partition that says to be longer than the frame is left to libvpx.
    let (tag, rest) = frame.split_first_chunk::<3>().ok_or(DecodeError::NoFrame)?;
    let [first, ..] = tag;
    if first & 1 == 1 {
        return Ok(Header::Other);
    }
    let Some([0x9d, 0x01, 0x2a, w0, w1, h0, h1]) = rest.first_chunk::<7>() else {
        return Err(DecodeError::NoFrame);
    };
    let side = |low: u8, high: u8| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Header::Key { width: side(*w0, *w1), height: side(*h0, *h1) })
}

/// A keyframe of 4K at the best quality is shorter.
const LONGEST: usize = 4 << 20;
