"""Puts api/*.yaml together into one OpenAPI document.

    bundle_openapi.py [--check]

Writes openapi.yaml; with --check it only compares and fails when openapi.yaml is not what the parts give. References to
common.yaml become local ones; each path gets the address of its service (or of those it names in x-services).
"""
import pathlib
import sys

import yaml

TOP = pathlib.Path(__file__).resolve().parents[2]
SERVICES = {"forecast-api": 8080, "ingest": 8081, "feature-store": 8082, "trainer": 8083}
HEADER = "# Put together from api/*.yaml by tests/support/bundle_openapi.py (make format); edit the parts.\n"


def local(node):
    """The same with references into common.yaml made local."""
    if isinstance(node, dict):
        return {k: v.removeprefix("common.yaml") if k == "$ref" else local(v) for k, v in node.items()}
    return [local(v) for v in node] if isinstance(node, list) else node


def servers(names):
    return [{"url": f"http://127.0.0.1:{SERVICES[name]}", "description": name} for name in names]


def add(document, part, service):
    for path, item in part.get("paths", {}).items():
        if path in document["paths"]:
            sys.exit(f"api/{service}.yaml: {path} is in another part already")
        names = item.pop("x-services", [service])
        document["paths"][path] = {"servers": servers(names), **item}
    for kind, members in part.get("components", {}).items():
        known = document["components"].setdefault(kind, {})
        for name, member in members.items():
            if name in known:
                sys.exit(f"api/{service}.yaml: components/{kind}/{name} is in another part already")
            known[name] = member


def bundle():
    parts = {name: local(yaml.safe_load((TOP / "api" / f"{name}.yaml").read_text())) for name in ["common", *SERVICES]}
    common = parts.pop("common")
    document = {**{k: v for k, v in common.items() if k not in ("paths", "components")}, "paths": {}, "components": {}}
    add(document, common, "common")
    for service, part in parts.items():
        add(document, part, service)
    return HEADER + yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    target, text = TOP / "openapi.yaml", bundle()
    if "--check" not in sys.argv[1:]:
        target.write_text(text)
    elif not target.exists() or target.read_text() != text:
        sys.exit("openapi.yaml is not what api/*.yaml give: run make format")
