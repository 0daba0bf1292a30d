"""The services of Huawei Cloud: IAM, the metadata of an instance, pod identity, SWR itself.

A case's `services`: `iam` ("refuses"), `projects` (how many have the region's name; "denied"),
`metadata` ("v1": knows no tokens; "v2": wants them; "no agency"), `pod` (True).
"""

import json

from services import EXPIRATION, as_json


def credential(access, secret, token):
    return {"access": access, "secret": secret, "securitytoken": token, "expires_at": EXPIRATION}


def place(question):
    """Clients ask the region's IAM or the one of all regions: only other hosts are worth a word."""
    return "" if question.host.endswith(".myhuaweicloud.com") else f" at {question.host}"


def signed_by(question):
    return question.headers.get("authorization", "").partition("Access=")[2].partition(",")[0]


def unscoped_token(question):
    """By either of the two ways to hand in an identity provider's token."""
    if question.path == "/v3.0/OS-AUTH/id-token/tokens":
        told = json.loads(question.body)["auth"]["id_token"]["id"]
        provider = question.headers.get("x-idp-id", "")
    else:
        told = question.headers.get("authorization", "").removeprefix("Bearer ")
        provider = question.path.split("/")[4]
    status, headers, body = as_json(201, {"token": {"expires_at": EXPIRATION}})
    return status, {**headers, "X-Subject-Token": f"{told} of {provider}"}, body


def temporary_keys(question):
    identity = json.loads(question.body)["auth"]["identity"]
    token = identity["token"].get("id") or question.headers.get("x-auth-token", "")
    return as_json(201, {"credential": credential("IAM", "iam-secret", token + place(question))})


def projects(question, services):
    count = services.get("projects", 1)
    if count == "denied":
        return as_json(403, {"error": {"code": 403, "message": "denied", "title": "Forbidden"}})
    if question.method == "POST":
        return as_json(201, {"project": {"id": "newly-made"}})
    name = question.query.get("name", "")
    rows = [{"id": f"{name}-{i}-of-{signed_by(question)}", "name": name} for i in range(count)]
    return as_json(200, {"projects": rows})


def iam(question, services):
    if services.get("iam") == "refuses":
        return as_json(401, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}})
    if question.path.endswith(("/id-token/tokens", "/protocols/oidc/auth")):
        return unscoped_token(question)
    if question.path == "/v3.0/OS-CREDENTIAL/securitytokens":
        return temporary_keys(question)
    if question.path == "/v3/projects":
        return projects(question, services)
    if question.path == "/v3/regions":
        return as_json(200, {"regions": [{"id": "cn-north-4", "type": "public"}]})
    if question.path == "/v3/auth/domains":
        return as_json(200, {"domains": [{"id": "domain"}]})
    return 404, {}, ""


def metadata(question, services):
    version = services.get("metadata")
    if not version:
        return 404, {}, ""
    if question.path == "/meta-data/latest/api/token":
        return (404, {}, "") if version == "v1" else (200, {}, "metadata-token")
    if version == "no agency":
        return 401, {}, "Please configure Cloud Service Agency first"
    if version == "v2" and question.headers.get("x-metadata-token") != "metadata-token":
        return 401, {}, ""
    return as_json(200, {"credential": credential("ECS", "ecs-secret", version)})


def pod(question, services):
    if not services.get("pod") or question.method != "POST" or json.loads(question.body) != {}:
        return 403, {}, ""
    token = f"{question.headers.get('authorization', '')} at {question.path}"
    return as_json(200, {"credentials": {"accessKeyId": "POD", "secretAccessKey": "pod-secret",
                                         "securityToken": token, "expiration": EXPIRATION}})


def answer(question, services):
    if question.host.startswith(("https://iam.", "http://iam.")):
        return iam(question, services)
    if question.host == "http://169.254.169.254":
        return metadata(question, services)
    if question.host == "http://pod.local":
        return pod(question, services)
    if question.path == "/v2/manage/namespaces":
        return as_json(200, {"namespaces": []})
    return 404, {}, ""
