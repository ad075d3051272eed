//! Screens and windows under X11, by its protocol alone: no library of the system is needed. The mouse is drawn into the picture.
//!
//! Not here: desktops that speak Wayland give pictures of themselves only through their portal; that is said where it is tried.

use std::time::Duration;

use x11rb::connection::Connection as _;
use x11rb::protocol::composite;
use x11rb::protocol::composite::ConnectionExt as _;
use x11rb::protocol::randr::ConnectionExt as _;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::Atom;
use x11rb::protocol::xproto::AtomEnum;
use x11rb::protocol::xproto::ConnectionExt as _;
use x11rb::protocol::xproto::ImageFormat;
use x11rb::protocol::xproto::ImageOrder;
use x11rb::protocol::xproto::Pixmap;
use x11rb::protocol::xproto::Window;
use x11rb::rust_connection::RustConnection;

use super::Gone;
use super::NoDevice;
use super::Pace;
use super::VideoSource;
use super::Wish;
use super::choice::FoundPicture;
use super::colours;
use crate::Picture;

/// A screen or window that is looked at.
pub(super) struct Screen {
    x11: RustConnection,
    view: View,
    pace: Pace,
}

/// What of it.
enum View {
    /// A part of everything: left, top, width, height.
    Part { root: Window, left: i16, top: i16, width: u16, height: u16 },
    /// A window, also while others hide it: its own picture, and the size that it had when it was asked for.
    Window { window: Window, pixmap: Option<(Pixmap, (u16, u16))> },
}

type Error = Box<dyn std::error::Error>;

impl Screen {
    /// Opens what a word names: the first monitor, `monitor:NAME`, or `window:NUMBER`.
    ///
    /// # Errors
    /// If there is no X11, or nothing of this name.
    pub(super) fn open(display: Option<&str>, word: Option<&str>) -> Result<Self, NoDevice> {
        let (x11, number) = connect(display)?;
        let view = view(&x11, number, word).map_err(|error| NoDevice::Broken(error.to_string()))?;
        Ok(Self { x11, view: view.ok_or(NoDevice::Missing)?, pace: Pace::default() })
    }

    fn take(&mut self, picture: &mut Picture) -> Result<(), Error> {
        let (drawable, (left, top), size, origin) = match &mut self.view {
            View::Part { root, left, top, width, height } => {
                (*root, (*left, *top), (*width, *height), (*left, *top))
            }
            View::Window { window, pixmap } => {
                let (now, origin) = place(&self.x11, *window)?;
                if pixmap.is_none_or(|(_, size)| size != now) {
                    if let Some((old, _)) = pixmap.take() {
                        self.x11.free_pixmap(old)?;
                    }
                    let new = self.x11.generate_id()?;
                    self.x11.composite_name_window_pixmap(*window, new)?.check()?;
                    *pixmap = Some((new, now));
                }
                let Some((pixmap, size)) = *pixmap else { return Err("the window has no picture".into()) };
                (pixmap, (0, 0), size, origin)
            }
        };
        let image =
            self.x11.get_image(ImageFormat::Z_PIXMAP, drawable, left, top, size.0, size.1, u32::MAX)?;
        let cursor = self.x11.xfixes_get_cursor_image()?;
        let mut data = image.reply()?.data;
        let stride = usize::from(size.0) * 4;
        if let Ok(cursor) = cursor.reply() {
            let left = i32::from(cursor.x) - i32::from(cursor.xhot) - i32::from(origin.0);
            let top = i32::from(cursor.y) - i32::from(cursor.yhot) - i32::from(origin.1);
            draw(
                &cursor.cursor_image,
                usize::from(cursor.width),
                (left, top),
                &mut data,
                usize::from(size.0),
            );
        }
        let size = (u32::from(size.0), u32::from(size.1));
        colours::from_rgb(&data, size, stride, colours::BGRX, picture);
        Ok(())
    }
}

impl VideoSource for Screen {
    fn next(&mut self, wish: Wish, picture: &mut Picture) -> Result<(), Gone> {
        self.pace.wait(Duration::from_secs(1) / wish.frames.clamp(1, MOST_FRAMES));
        self.take(picture).map_err(|error| {
            tracing::info!(%error, "a screen is not shown any more");
            Gone
        })
    }
}

/// Monitors, the first one first, then windows. Nothing without X11.
pub(super) fn list(display: Option<&str>) -> Vec<FoundPicture> {
    let Ok((x11, number)) = connect(display) else { return Vec::new() };
    found(&x11, number).unwrap_or_default()
}

/// To the display that is named, or to the person's own, unless that one would show nothing.
fn connect(display: Option<&str>) -> Result<(RustConnection, usize), NoDevice> {
    if display.is_none() && std::env::var_os("WAYLAND_DISPLAY").is_some() {
        return Err(NoDevice::Broken(
            "this desktop speaks Wayland, and shows its screen only by its portal, which Kith cannot use yet"
                .into(),
        ));
    }
    x11rb::connect(display).map_err(|_| NoDevice::Missing)
}

fn found(x11: &RustConnection, number: usize) -> Result<Vec<FoundPicture>, Error> {
    let root = root(x11, number)?;
    let mut list = Vec::new();
    for monitor in monitors(x11, root)? {
        let name = format!("{} ({}x{})", monitor.name, monitor.size.0, monitor.size.1);
        list.push(FoundPicture {
            word: format!("monitor:{}", monitor.name),
            name,
            is_default: list.is_empty(),
        });
    }
    let names = atoms(x11)?;
    for window in windows(x11, root, &names)?.into_iter().take(MOST_WINDOWS) {
        let name = title(x11, window, &names)?;
        if !name.is_empty() {
            list.push(FoundPicture { word: format!("window:{window}"), name, is_default: false });
        }
    }
    Ok(list)
}

fn view(x11: &RustConnection, number: usize, word: Option<&str>) -> Result<Option<View>, Error> {
    let setup = x11.setup();
    let is_plain =
        setup.pixmap_formats.iter().any(|format| format.depth == 24 && format.bits_per_pixel == 32);
    if !is_plain || setup.image_byte_order != ImageOrder::LSB_FIRST {
        return Err("pictures of this screen have a form that Kith does not know".into());
    }
    x11.xfixes_query_version(5, 0)?.reply()?;
    let root = root(x11, number)?;
    if let Some(window) = word.and_then(|word| word.strip_prefix("window:")) {
        let Ok(window) = window.parse::<Window>() else { return Ok(None) };
        if !windows(x11, root, &atoms(x11)?)?.contains(&window) {
            return Ok(None);
        }
        x11.composite_query_version(0, 4)?.reply()?;
        // Kept by the server as long as somebody looks at it, whatever is in front of it.
        x11.composite_redirect_window(window, composite::Redirect::AUTOMATIC)?.check()?;
        return Ok(Some(View::Window { window, pixmap: None }));
    }
    let wanted = word.and_then(|word| word.strip_prefix("monitor:"));
    let mut monitors = monitors(x11, root)?.into_iter();
    let monitor = monitors.find(|monitor| wanted.is_none_or(|wanted| wanted == monitor.name));
    Ok(monitor.map(|Monitor { place: (left, top), size: (width, height), .. }| View::Part {
        root,
        left,
        top,
        width,
        height,
    }))
}

fn root(x11: &RustConnection, number: usize) -> Result<Window, Error> {
    Ok(x11.setup().roots.get(number).ok_or("there is no such screen")?.root)
}

struct Monitor {
    name: String,
    place: (i16, i16),
    size: (u16, u16),
}

/// The monitors, the first one first.
fn monitors(x11: &RustConnection, root: Window) -> Result<Vec<Monitor>, Error> {
    let mut monitors = x11.randr_get_monitors(root, true)?.reply()?.monitors;
    monitors.sort_by_key(|monitor| !monitor.primary);
    let mut found = Vec::new();
    for monitor in monitors {
        let name = x11.get_atom_name(monitor.name)?.reply()?.name;
        found.push(Monitor {
            name: String::from_utf8_lossy(&name).into_owned(),
            place: (monitor.x, monitor.y),
            size: (monitor.width, monitor.height),
        });
    }
    Ok(found)
}

/// Names that window managers agreed on (EWMH 1.5).
struct Atoms {
    clients: Atom,
    title: Atom,
    utf8: Atom,
}

fn atoms(x11: &RustConnection) -> Result<Atoms, Error> {
    let atom = |name: &[u8]| -> Result<Atom, Error> { Ok(x11.intern_atom(false, name)?.reply()?.atom) };
    Ok(Atoms {
        clients: atom(b"_NET_CLIENT_LIST")?,
        title: atom(b"_NET_WM_NAME")?,
        utf8: atom(b"UTF8_STRING")?,
    })
}

/// The windows of programs, the newest first. Without a window manager: all that can be seen.
fn windows(x11: &RustConnection, root: Window, atoms: &Atoms) -> Result<Vec<Window>, Error> {
    let most = u32::try_from(MOST_WINDOWS).unwrap_or(u32::MAX);
    let listed = x11.get_property(false, root, atoms.clients, AtomEnum::WINDOW, 0, most)?.reply()?;
    let mut windows: Vec<Window> = match listed.value32() {
        Some(windows) => windows.collect(),
        None => x11.query_tree(root)?.reply()?.children,
    };
    windows.reverse();
    Ok(windows)
}

fn title(x11: &RustConnection, window: Window, atoms: &Atoms) -> Result<String, Error> {
    let most = u32::try_from(LONGEST_TITLE / 4).unwrap_or(u32::MAX);
    let new = x11.get_property(false, window, atoms.title, atoms.utf8, 0, most)?;
    let old = x11.get_property(false, window, AtomEnum::WM_NAME, AtomEnum::ANY, 0, most)?;
    let (new, old) = (new.reply().map(|new| new.value), old.reply().map(|old| old.value));
    let text = |value: Vec<u8>| {
        Some(String::from_utf8_lossy(&value).trim().to_owned()).filter(|text| !text.is_empty())
    };
    // A window may be gone since it was listed.
    let (new, old) = (new.ok().and_then(text), old.ok().and_then(text));
    Ok(new.or(old).unwrap_or_default())
}

/// How large a window is, and where on the screen.
type Place = ((u16, u16), (i16, i16));

fn place(x11: &RustConnection, window: Window) -> Result<Place, Error> {
    let geometry = x11.get_geometry(window)?;
    let geometry = geometry.reply()?;
    let at = x11.translate_coordinates(window, geometry.root, 0, 0)?.reply()?;
    let border = 2 * geometry.border_width;
    Ok(((geometry.width + border, geometry.height + border), (at.dst_x, at.dst_y)))
}

/// Draws a mouse of `width` pixels a line, each with its transparency already in its colours, into lines of `across` pixels.
fn draw(mouse: &[u32], width: usize, (left, top): (i32, i32), data: &mut [u8], across: usize) {
    for (line, y) in mouse.chunks(width.max(1)).zip(top..) {
        for (pixel, x) in line.iter().zip(left..) {
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { continue };
            let at = (y * across + x) * 4;
            let Some(under) = data.get_mut(at..at + 4).filter(|_| x < across) else { continue };
            let [blue, green, red, alpha] = pixel.to_le_bytes();
            for (under, over) in under.iter_mut().zip([blue, green, red]) {
                let left = u32::from(*under) * u32::from(255 - alpha) / 255;
                *under = over.saturating_add(u8::try_from(left).unwrap_or(u8::MAX));
            }
        }
    }
}

/// A screen changes less than a face moves, and each picture of it is some megabytes.
const MOST_FRAMES: u32 = 30;

/// More windows than anybody would look through.
const MOST_WINDOWS: usize = 256;

/// In bytes.
const LONGEST_TITLE: usize = 1_024;

#[cfg(test)]
mod tests {
    use std::io::BufRead as _;
    use std::io::BufReader;
    use std::io::ErrorKind;
    use std::process::Child;
    use std::process::Command;
    use std::process::Stdio;

    use x11rb::protocol::xproto::ChangeWindowAttributesAux;
    use x11rb::protocol::xproto::ConfigureWindowAux;
    use x11rb::protocol::xproto::CreateWindowAux;
    use x11rb::protocol::xproto::PropMode;
    use x11rb::protocol::xproto::WindowClass;
    use x11rb::wrapper::ConnectionExt as _;

    use super::*;

    struct Server(Child, String);

    impl Server {
        /// `None` where Xvfb is not installed: then nothing is tried.
        fn start() -> Option<Self> {
            let words = ["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"];
            let child = Command::new("Xvfb").args(words).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
            let mut child = match child {
                Err(error) if error.kind() == ErrorKind::NotFound => return None,
                started => started.unwrap(),
            };
            let mut number = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut number).unwrap();
            Some(Self(child, format!(":{}", number.trim())))
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    const WISH: Wish = Wish { height: None, frames: 30 };

    /// The brightness at a place.
    fn at(picture: &Picture, x: usize, y: usize) -> u8 {
        picture.y()[y * picture.width() as usize + x]
    }

    #[test]
    fn a_screen_and_a_hidden_window_are_seen() {
        let Some(server) = Server::start() else {
            println!("Xvfb is not installed: nothing was tried");
            return;
        };
        let display = Some(server.1.as_str());
        let (x11, number) = x11rb::connect(display).unwrap();
        let root = root(&x11, number).unwrap();
        let paint = |window, pixel| {
            let look = ChangeWindowAttributesAux::new().background_pixel(pixel);
            x11.change_window_attributes(window, &look).unwrap();
            x11.clear_area(false, window, 0, 0, 0, 0).unwrap();
            x11.sync().unwrap();
        };
        let open = |left, title: &str| {
            let (window, look) = (x11.generate_id().unwrap(), CreateWindowAux::new());
            x11.create_window(24, window, root, left, 100, 100, 50, 0, WindowClass::INPUT_OUTPUT, 0, &look)
                .unwrap();
            let text = AtomEnum::STRING;
            x11.change_property8(PropMode::REPLACE, window, AtomEnum::WM_NAME, text, title.as_bytes())
                .unwrap();
            x11.map_window(window).unwrap();
            x11.sync().unwrap();
            window
        };
        let (letter, cover) = (open(200, "A letter"), open(200, "A cover"));
        let all = list(display);
        assert!(all[0].is_default && all[0].word.starts_with("monitor:") && all[0].name.contains("640x480"));
        let names: Vec<_> = all[1..].iter().map(|found| found.name.as_str()).collect();
        assert_eq!(names, ["A cover", "A letter"], "the newest first");

        paint(root, 0xff_0000);
        let mut screen = Screen::open(display, None).unwrap();
        let mut seen = Screen::open(display, Some(&format!("window:{letter}"))).unwrap();
        paint(letter, 0xff_ffff);
        paint(cover, 0);
        let mut picture = Picture::default();
        screen.next(WISH, &mut picture).unwrap();
        assert_eq!((picture.width(), picture.height()), (640, 480));
        assert!(at(&picture, 10, 10).abs_diff(81) < 3, "red: {}", at(&picture, 10, 10));
        assert!(at(&picture, 250, 125).abs_diff(16) < 3, "what covers it is seen");
        seen.next(WISH, &mut picture).unwrap();
        assert_eq!((picture.width(), picture.height()), (100, 50));
        assert!(
            at(&picture, 50, 25) > 230,
            "what is under it is seen where the window is shown: {}",
            at(&picture, 50, 25)
        );
        x11.configure_window(letter, &ConfigureWindowAux::new().width(200)).unwrap();
        x11.sync().unwrap();
        seen.next(WISH, &mut picture).unwrap();
        assert_eq!(picture.width(), 200, "it grows with the window");

        x11.destroy_window(letter).unwrap();
        x11.sync().unwrap();
        assert_eq!(seen.next(WISH, &mut picture), Err(Gone));
        for word in ["window:1", "window:x", "monitor:nowhere"] {
            assert_eq!(Screen::open(display, Some(word)).err(), Some(NoDevice::Missing), "{word}");
        }
        drop(server);
        assert_eq!(screen.next(WISH, &mut picture), Err(Gone));
    }

    #[test]
    fn a_mouse_at_the_edge_is_drawn_as_far_as_it_is_on_the_screen() {
        let mut data = vec![100; 4 * 4 * 4];
        let half = u32::from_le_bytes([0, 0, 128, 128]);
        draw(&[0xffff_ffff, half, 0, 0], 2, (3, -1), &mut data, 4);
        assert!(data.iter().all(|byte| *byte == 100), "the first line is above, the rest clear or beside");
        draw(&[0xffff_ffff, half, 0, 0], 2, (2, 3), &mut data, 4);
        assert_eq!(data[56..64], [255, 255, 255, 100, 49, 49, 177, 100]);
    }
}
