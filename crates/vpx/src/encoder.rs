//! The encoder: one picture in, one frame out, at a rate that may change with every picture.

#![expect(unsafe_code, reason = "libvpx is called here")]

use std::ffi::c_int;
use std::ffi::c_uint;
use std::mem::MaybeUninit;
use std::mem::zeroed;
use std::ptr;
use std::slice;

use thiserror::Error;
use vpx_sys::vp8e_enc_control_id as control;

use crate::picture::Picture;

/// What is shown, as the encoder cuts corners elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// People and things.
    Camera,
    /// Text and windows.
    Screen,
}

/// What to encode, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Samples in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Thousands of bits a second.
    pub kbps: u32,
    /// What is shown.
    pub content: Content,
    /// How many threads encode one picture, from one on.
    pub threads: u32,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// What the decoder takes.
    pub data: Vec<u8>,
    /// It needs no other.
    pub key: bool,
}

/// Why a picture was not encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// libvpx does not take the settings, or has no memory.
    #[error("The video encoder cannot be started with this picture size (libvpx error {0}).")]
    Refused(i32),
    /// The picture has another size than the settings say.
    #[error("The picture does not have the size that the encoder was set to.")]
    OtherSize,
    /// libvpx failed.
    #[error("The video encoder failed (libvpx error {0}).")]
    Failed(i32),
}

/// Encodes pictures one after the other.
pub struct Encoder {
    context: Box<vpx_sys::vpx_codec_ctx_t>,
    config: vpx_sys::vpx_codec_enc_cfg_t,
    settings: Settings,
    /// The time of the last picture: libvpx wants each later than the one before.
    last: Option<i64>,
}

// SAFETY: libvpx keeps nothing of a context in threads of the caller, and it is reached through `&mut self` alone.
unsafe impl Send for Encoder {}

impl Encoder {
    /// Starts an encoder.
    ///
    /// # Errors
    /// [`EncodeError::Refused`] if a side is zero or longer than [`Picture::LONGEST`], or libvpx does not start.
    pub fn new(settings: Settings) -> Result<Self, EncodeError> {
        let config = config(&settings)?;
        let context = start(&config, settings.content)?;
        Ok(Self { context, config, settings, last: None })
    }

    /// What it is set to.
    pub fn settings(&self) -> Settings {
        self.settings
    }

    /// Changes the rate from the next picture on, without a keyframe.
    ///
    /// # Errors
    /// [`EncodeError::Failed`] if libvpx refuses; then the rate is as it was.
    pub fn set_kbps(&mut self, kbps: u32) -> Result<(), EncodeError> {
        let kbps = kbps.clamp(LEAST_KBPS, MOST_KBPS);
        if kbps == self.settings.kbps {
            return Ok(());
        }
        let mut config = self.config;
        config.rc_target_bitrate = kbps;
        // SAFETY: the context was initialised by `start` and not destroyed, the configuration outlives the call.
        let result = unsafe { vpx_sys::vpx_codec_enc_config_set(&mut *self.context, &config) };
        check(result).map_err(EncodeError::Failed)?;
        (self.config, self.settings.kbps) = (config, kbps);
        Ok(())
    }

    /// Changes the size: the next picture is a keyframe. libvpx can do that within an encoder, and was often wrong in it; a new
    /// one costs as much as the keyframe.
    ///
    /// # Errors
    /// As [`Encoder::new`]; then the size is as it was.
    pub fn set_size(&mut self, width: u32, height: u32) -> Result<(), EncodeError> {
        if (width, height) == (self.settings.width, self.settings.height) {
            return Ok(());
        }
        *self = Self::new(Settings { width, height, ..self.settings })?;
        Ok(())
    }

    /// Encodes a picture that was taken at `at` and is shown for about `lasts`, both in 1/90,000 s. `None` when it is left out to keep
    /// the rate.
    ///
    /// # Errors
    /// [`EncodeError::OtherSize`] and [`EncodeError::Failed`].
    pub fn encode(
        &mut self,
        picture: &Picture,
        at: u64,
        lasts: u32,
        key: bool,
    ) -> Result<Option<Encoded>, EncodeError> {
        if (picture.width(), picture.height()) != (self.settings.width, self.settings.height) {
            return Err(EncodeError::OtherSize);
        }
        let at = i64::try_from(at).unwrap_or(i64::MAX / 2);
        let at = self.last.map_or(at, |last| at.max(last.saturating_add(1)));
        self.last = Some(at);
        let image = wrap(picture);
        let flags = if key { vpx_sys::VPX_EFLAG_FORCE_KF as i64 } else { 0 };
        // SAFETY: the context was initialised by `start`; `image` points into `picture`, whose planes have the lengths that its
        // size says, and libvpx copies them before it returns and never writes to them.
        let result = unsafe {
            vpx_sys::vpx_codec_encode(
                &mut *self.context,
                &image,
                at,
                std::ffi::c_ulong::from(lasts.max(1)),
                flags as _,
                vpx_sys::VPX_DL_REALTIME as _,
            )
        };
        check(result).map_err(EncodeError::Failed)?;
        Ok(self.collect())
    }

    fn collect(&mut self) -> Option<Encoded> {
        let mut cursor: vpx_sys::vpx_codec_iter_t = ptr::null();
        let mut encoded: Option<Encoded> = None;
        loop {
            // SAFETY: the context was initialised by `start`; the cursor began as null and is only changed by this call.
            let packet = unsafe { vpx_sys::vpx_codec_get_cx_data(&mut *self.context, &mut cursor) };
            // SAFETY: libvpx gives null or a packet that stays until the next call to encode.
            let Some(packet) = (unsafe { packet.as_ref() }) else { return encoded };
            if packet.kind != vpx_sys::vpx_codec_cx_pkt_kind::VPX_CODEC_CX_FRAME_PKT {
                continue;
            }
            // SAFETY: the kind of the packet says which part of the union is filled.
            let frame = unsafe { packet.data.frame };
            if frame.buf.is_null() {
                continue;
            }
            // SAFETY: libvpx promises `sz` bytes at `buf` until the next call to encode.
            let bytes = unsafe { slice::from_raw_parts(frame.buf.cast::<u8>(), frame.sz) };
            let key = frame.flags & vpx_sys::VPX_FRAME_IS_KEY != 0;
            let all = encoded.get_or_insert(Encoded { data: Vec::with_capacity(bytes.len()), key });
            all.data.extend_from_slice(bytes);
            all.key |= key;
        }
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: the context was initialised by `start`, and nothing uses it afterwards.
        unsafe { vpx_sys::vpx_codec_destroy(&mut *self.context) };
    }
}

fn config(settings: &Settings) -> Result<vpx_sys::vpx_codec_enc_cfg_t, EncodeError> {
    let side = 1..=Picture::LONGEST;
    if !side.contains(&settings.width) || !side.contains(&settings.height) {
        return Err(EncodeError::Refused(vpx_sys::VPX_CODEC_INVALID_PARAM as i32));
    }
    let mut config = MaybeUninit::<vpx_sys::vpx_codec_enc_cfg_t>::zeroed();
    // SAFETY: the interface is a constant of the library, the configuration is ours to be filled.
    let result =
        unsafe { vpx_sys::vpx_codec_enc_config_default(vpx_sys::vpx_codec_vp8_cx(), config.as_mut_ptr(), 0) };
    check(result).map_err(EncodeError::Refused)?;
    // SAFETY: the call succeeded, so it has copied a whole configuration of the library's into it.
    let mut config = unsafe { config.assume_init() };
    (config.g_w, config.g_h) = (settings.width, settings.height);
    (config.g_timebase.num, config.g_timebase.den) = (1, 90_000);
    config.g_threads = settings.threads.clamp(1, MOST_THREADS);
    config.g_pass = vpx_sys::vpx_enc_pass::VPX_RC_ONE_PASS;
    config.g_lag_in_frames = 0;
    // A frame that is lost must not spoil the probabilities of those after it.
    config.g_error_resilient = vpx_sys::VPX_ERROR_RESILIENT_DEFAULT;
    config.rc_end_usage = vpx_sys::vpx_rc_mode::VPX_CBR;
    config.rc_target_bitrate = settings.kbps.clamp(LEAST_KBPS, MOST_KBPS);
    (config.rc_min_quantizer, config.rc_max_quantizer) = (2, 56);
    (config.rc_undershoot_pct, config.rc_overshoot_pct) = (100, 15);
    // Milliseconds of the rate. What libwebrtc takes; a smaller buffer drops pictures at each change of scene.
    (config.rc_buf_initial_sz, config.rc_buf_optimal_sz, config.rc_buf_sz) = (500, 600, 1_000);
    config.rc_dropframe_thresh = if settings.content == Content::Screen { 0 } else { 30 };
    config.rc_resize_allowed = 0;
    // Keyframes come when they are asked for; this is for scenes that change.
    config.kf_mode = vpx_sys::vpx_kf_mode::VPX_KF_AUTO;
    config.kf_max_dist = 3_000;
    Ok(config)
}

fn start(
    config: &vpx_sys::vpx_codec_enc_cfg_t,
    content: Content,
) -> Result<Box<vpx_sys::vpx_codec_ctx_t>, EncodeError> {
    // SAFETY: a structure of numbers and pointers, for which all zero is a value; the next call fills it.
    let mut context: Box<vpx_sys::vpx_codec_ctx_t> = Box::new(unsafe { zeroed() });
    // SAFETY: context and configuration are ours; libvpx copies the configuration. The version is that of the header the bindings
    // were made of, so a library of another layout refuses.
    let result = unsafe {
        vpx_sys::vpx_codec_enc_init_ver(
            &mut *context,
            vpx_sys::vpx_codec_vp8_cx(),
            config,
            0,
            vpx_sys::VPX_ENCODER_ABI_VERSION as c_int,
        )
    };
    check(result).map_err(EncodeError::Refused)?;
    let screen = content == Content::Screen;
    let controls: [(control, c_int); 6] = [
        (control::VP8E_SET_CPUUSED, CPU_USED),
        (control::VP8E_SET_NOISE_SENSITIVITY, 0),
        (control::VP8E_SET_STATIC_THRESHOLD, if screen { 100 } else { 1 }),
        (control::VP8E_SET_TOKEN_PARTITIONS, 0),
        // A keyframe has at most this many times the bits of a usual frame, in percent.
        (control::VP8E_SET_MAX_INTRA_BITRATE_PCT, 300),
        (control::VP8E_SET_SCREEN_CONTENT_MODE, c_int::from(screen)),
    ];
    for (id, value) in controls {
        // SAFETY: the context was just initialised. Each of these takes one `int` or `unsigned`, which are passed alike.
        let result = unsafe { vpx_sys::vpx_codec_control_(&mut *context, id as c_int, value as c_uint) };
        if let Err(error) = check(result) {
            // SAFETY: the context was initialised, and nothing uses it afterwards.
            unsafe { vpx_sys::vpx_codec_destroy(&mut *context) };
            return Err(EncodeError::Refused(error));
        }
    }
    Ok(context)
}

/// A picture as libvpx sees it, without a copy. Only to read.
fn wrap(picture: &Picture) -> vpx_sys::vpx_image_t {
    // SAFETY: a structure of numbers and pointers, for which all zero is a value.
    let mut image: vpx_sys::vpx_image_t = unsafe { zeroed() };
    let (u, v) = picture.uv();
    image.fmt = vpx_sys::vpx_img_fmt::VPX_IMG_FMT_I420;
    (image.w, image.h) = (picture.width(), picture.height());
    (image.d_w, image.d_h) = (picture.width(), picture.height());
    (image.x_chroma_shift, image.y_chroma_shift) = (1, 1);
    (image.bit_depth, image.bps) = (8, 12);
    let plane = |plane: &[u8]| plane.as_ptr().cast_mut();
    image.planes = [plane(picture.y()), plane(u), plane(v), ptr::null_mut()];
    let (width, half) = (picture.width() as c_int, picture.chroma_width() as c_int);
    image.stride = [width, half, half, 0];
    image
}

fn check(result: vpx_sys::vpx_codec_err_t) -> Result<(), i32> {
    if result == vpx_sys::VPX_CODEC_OK { Ok(()) } else { Err(result as i32) }
}

/// Less is no picture, more is nobody's line.
const LEAST_KBPS: u32 = 20;
const MOST_KBPS: u32 = 20_000;

/// More do not help at 720p.
const MOST_THREADS: u32 = 4;

/// Measured at 1.5 Mbit/s on 720p: -4 takes 11.7 ms a picture, -6 7.2, -8 6.8 with 0.1 dB less, -12 5.3 with 1.5 dB less.
const CPU_USED: c_int = -6;
