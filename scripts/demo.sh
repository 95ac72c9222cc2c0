#!/usr/bin/env bash
# Show the synthetic market in a window. If no window can be opened, render 10 seconds to a picture and a video.
# Arguments are passed to `flow-gl demo`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

can_open_a_window() {
  case "$(uname -s)" in
    Linux | *BSD) [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] || return 1 ;;
  esac
  # Import Dear ImGui first: it loads the GLFW that the program uses.
  .venv/bin/python -c 'import imgui_bundle, glfw, sys; sys.exit(not glfw.init())' 2>/dev/null
}

if can_open_a_window; then
  exec .venv/bin/flow-gl demo "$@"
fi
outputs=(--screenshot out/demo.png)
if .venv/bin/python -c 'import av' 2>/dev/null; then
  outputs+=(--record out/demo.mp4)
fi
echo "No display: rendering 10 seconds of the synthetic market without a window."
mkdir -p out
rm -f out/demo.png out/demo.mp4
.venv/bin/flow-gl demo --headless --duration 10 "${outputs[@]}" "$@"
if [[ -f out/demo.png ]]; then echo "picture: $PWD/out/demo.png"; fi
if [[ -f out/demo.mp4 ]]; then echo "video:   $PWD/out/demo.mp4"; fi
