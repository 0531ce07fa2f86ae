#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# Makes configure and its friends in a git checkout.  Needs autoconf,
# automake, libtool and pkg-config; a release tarball needs none of them.
set -e
cd "$(dirname "$0")"
mkdir -p m4 build-aux
exec autoreconf -f -i "$@"
