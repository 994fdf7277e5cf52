"""Checks exchanges against openapi.yaml: the operation, its status, its media type, and the JSON body's schema."""
import pathlib
import re

import yaml
from openapi_schema_validator import OAS31Validator

TOP = pathlib.Path(__file__).resolve().parents[2]


class Contract:
    def __init__(self):
        self.document = yaml.safe_load((TOP / "openapi.yaml").read_text())
        self.paths = []
        for template, item in self.document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", template) + "$")
            names = {server["description"] for server in item["servers"]}
            self.paths.append((template.count("{"), pattern, names, item))
        self.paths.sort(key=lambda row: row[0])
        self.seen = set()

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def operation(self, service, method, path):
        for _, pattern, names, item in self.paths:
            if service in names and pattern.match(path) and method.lower() in item:
                return item[method.lower()]
        raise AssertionError(f"openapi.yaml of {service} has no {method} {path}")

    def check(self, service, method, path, response):
        operation = self.operation(service, method, path)
        self.seen.add((service, operation["operationId"]))
        responses = operation["responses"]
        status = str(response.status_code)
        documented = responses.get(status) or responses.get(status[0] + "XX") or responses.get("default")
        where = f"{service} {method} {path} -> {status}"
        assert documented, f"{where}: the status is not documented"
        content = self.resolve(documented).get("content", {})
        media_type = response.headers.get("Content-Type", "").split(";")[0].strip()
        if not content:
            assert not response.content, f"{where}: has a body that is not documented"
            return
        assert media_type in content, f"{where}: {media_type!r} is not documented ({', '.join(content)})"
        if media_type.endswith("json") and "ndjson" not in media_type and "schema" in content[media_type]:
            body = response.json()
            schema = {**content[media_type]["schema"], "components": self.document["components"]}  # what $refs look in
            errors = list(OAS31Validator(schema).iter_errors(body))
            assert not errors, f"{where}: {errors[0].message} at {list(errors[0].absolute_path)}"

