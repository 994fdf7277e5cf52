"""A build backend that only answers pip's question for the metadata of a source distribution.

pip asks that question even when it only downloads. The real backends would need meson, Cython and others from the
network for an answer that the distribution already holds in PKG-INFO.
"""

import email
import pathlib
import sys


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    text = pathlib.Path("PKG-INFO").read_text(encoding="utf-8")
    info = email.message_from_string(text)
    folder = pathlib.Path(metadata_directory, f"{info['Name']}-{info['Version']}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(text, encoding="utf-8")
    return folder.name


__legacy__ = sys.modules[__name__]  # what pip asks of a distribution with a setup.py alone
