"""openapi.yaml and the services' route tables name the same operations, and its examples are what its schemas say."""
import re

import pytest
from openapi_schema_validator import OAS31Validator

from contract import TOP, Contract
from platform_under_test import SERVICES

CONTRACT = Contract()
# The rows of a `static const Route ...[] = { ... };` table.
TABLE = re.compile(r"^static const Route \w+\[\] = \{\n(.*?)^\};", re.M | re.S)
ROW = re.compile(r'^\s*\{"([A-Z]+)",\s*"(/[^"]*)"', re.M)
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}


def rows(path):
    tables = TABLE.findall((TOP / path).read_text())
    assert len(tables) == 1, f"{path} has {len(tables)} route tables"
    found = ROW.findall(tables[0])
    assert found and len(found) == tables[0].count("SCOPE_"), f"{path}: a row was not understood"
    return set(found)


def documented(service):
    return {(method.upper(), path) for path, item in CONTRACT.document["paths"].items()
            if service in {server["description"] for server in item["servers"]} for method in item if method in METHODS}


@pytest.mark.parametrize("service", SERVICES)
def test_each_route_is_documented_and_each_documented_operation_is_a_route(service):
    routes = rows(f"services/{service}/main.c") | rows("common/service.c")
    assert routes - documented(service) == set(), f"routes of {service} that openapi.yaml lacks"
    assert documented(service) - routes == set(), f"operations in openapi.yaml that {service} does not have"


def examples(node, where=""):
    """(place, schema, example) of every example of a parameter, header, body or schema."""
    if isinstance(node, dict):
        schema = node.get("schema", {})
        if "example" in node:
            yield where, schema, node["example"]
        values = node.get("examples", [])
        for i, value in enumerate(values.values() if isinstance(values, dict) else values):
            if isinstance(value, dict) and "value" in value:
                yield f"{where} examples/{i}", schema, value["value"]
            else:
                yield f"{where} examples/{i}", node, value
        for key, value in node.items():
            if key not in ("example", "examples"):
                yield from examples(value, f"{where}/{key}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from examples(value, f"{where}/{i}")


def test_the_examples_are_what_their_schemas_say():
    found = list(examples(CONTRACT.document))
    assert len(found) > 30
    wrong = []
    for where, schema, example in found:
        validator = OAS31Validator({**schema, "components": CONTRACT.document["components"]})
        wrong += [f"{where}: {error.message} at {list(error.absolute_path)}" for error in validator.iter_errors(example)]
    assert not wrong, "\n".join(wrong)
