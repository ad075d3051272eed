#!/usr/bin/env bash
# Installs what building, running and testing Kith needs and this system lacks, and says so. Does nothing otherwise.
#   tools/setup.sh run     what the app needs to build and to open a window
#   tools/setup.sh test    that, and a software renderer and a virtual screen for the tests
set -euo pipefail
what=${1:-run}

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
export PATH="$PATH:$HOME/.cargo/bin"

root=
[ "$(id -u)" = 0 ] || root=sudo

# Rust, unless a new enough one is there. The Makefile looks into ~/.cargo/bin, too.
rust_is_good() {
    command -v cargo >/dev/null || return 1
    local have
    have=$(cargo --version 2>/dev/null | cut -d' ' -f2)
    [ -n "$have" ] && [ "$(printf '%s\n1.95.0\n' "${have%%-*}" | sort -V | head -1)" = 1.95.0 ]
}

install_rust() {
    rust_is_good && return
    if command -v rustup >/dev/null; then
        say "Kith needs Rust 1.95 or newer: updating it with rustup"
        rustup toolchain install stable --profile minimal --component clippy --component rustfmt
        rustup default stable
    else
        say "Installing Rust with rustup, into ~/.rustup and ~/.cargo"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt --no-modify-path
    fi
    rust_is_good || { say "Rust 1.95 could not be installed: see https://www.rust-lang.org/tools/install"; exit 1; }
}

install_apt() {
    local wanted=(build-essential ca-certificates cmake curl libclang-dev libvpx-dev pkg-config libegl1 libgl1 libgl1-mesa-dri libxkbcommon0 libxkbcommon-x11-0
        libwayland-client0 libwayland-egl1 libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2)
    [ "$what" = test ] && wanted+=(mesa-vulkan-drivers pulseaudio xvfb xauth python3)
    local missing=()
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "Installing ${missing[*]}"
    $root apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $root apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install_dnf() {
    local wanted=(gcc gcc-c++ clang-devel cmake curl libvpx-devel pkgconf-pkg-config mesa-libEGL mesa-libGL mesa-dri-drivers libxkbcommon
        libxkbcommon-x11 libwayland-client libwayland-egl libX11 libXcursor libXi libXrandr)
    [ "$what" = test ] && wanted+=(mesa-vulkan-drivers xorg-x11-server-Xvfb python3)
    local missing=()
    for package in "${wanted[@]}"; do rpm -q "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} = 0 ] && return
    say "Installing ${missing[*]}"
    $root dnf install -y -q "${missing[@]}"
}

install_pacman() {
    local wanted=(base-devel clang cmake curl libvpx mesa libxkbcommon libxkbcommon-x11 wayland libx11 libxcursor libxi libxrandr)
    [ "$what" = test ] && wanted+=(vulkan-swrast xorg-server-xvfb python)
    local missing=()
    for package in "${wanted[@]}"; do pacman -Qq "$package" >/dev/null 2>&1 || missing+=("$package"); done
    [ ${#missing[@]} = 0 ] && return
    say "Installing ${missing[*]}"
    $root pacman -S --needed --noconfirm "${missing[@]}"
}

case "$(uname -s)" in
    Darwin)
        xcode-select -p >/dev/null 2>&1 || { say "Installing Apple's command line tools: agree in the window, then run this again."; xcode-select --install; exit 1; }
        missing=()
        command -v cmake >/dev/null || missing+=(cmake)
        command -v pkg-config >/dev/null || missing+=(pkgconf)
        pkg-config --exists vpx 2>/dev/null || missing+=(libvpx)
        if [ ${#missing[@]} != 0 ]; then
            if command -v brew >/dev/null; then say "Installing ${missing[*]}"; brew install "${missing[@]}"
            else say "Install Homebrew, then ${missing[*]} with it: https://brew.sh"; fi
        fi
        ;;
    *)
        if command -v apt-get >/dev/null; then install_apt
        elif command -v dnf >/dev/null; then install_dnf
        elif command -v pacman >/dev/null; then install_pacman
        else say "This system's package manager is not known here: install a C compiler, cmake, libclang, libvpx with its headers, and the libraries of X11 or Wayland and OpenGL."
        fi
        ;;
esac

install_rust

if [ "$what" = test ] && ! cargo nextest --version >/dev/null 2>&1; then
    say "Installing cargo-nextest"
    cargo install --locked --quiet cargo-nextest || say "It could not be installed; the tests run with “cargo test” instead."
fi
