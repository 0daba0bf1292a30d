"""The services of Alibaba Cloud: STS, the metadata of an instance, a credentials URI.

A case's `services`: `sts` ("refuses"), `metadata` ("v1": knows no tokens; "v1, refuses tokens":
gives them, but has no use for them; "v2": wants them).
"""

from services import EXPIRATION, as_json

ROLES = "/latest/meta-data/ram/security-credentials/"
# Each client invents a name where none is given.
INVENTED = ("credentials-nodejs-", "registry_exporter")


def keys(access_key, secret, token):
    return {"AccessKeyId": access_key, "AccessKeySecret": secret, "SecurityToken": token,
            "Expiration": EXPIRATION}


def signer(question):
    """(access key, security token) of whoever signed, in either way of signing."""
    credential = question.headers.get("authorization", "").partition("Credential=")[2]
    if credential:
        return credential.partition(",")[0], question.headers.get("x-acs-security-token", "")
    return question.query.get("AccessKeyId", ""), question.query.get("SecurityToken", "")


def sts(question, services):
    if services.get("sts") == "refuses":
        return as_json(403, {"Code": "NoPermission", "Message": "no", "RequestId": "1"})
    action = question.query.get("Action") or question.headers.get("x-acs-action", "")
    asked = {**question.query, **question.form}
    session = asked.get("RoleSessionName", "")
    if session.startswith(INVENTED):
        session = "(invented)"
    access_key, token = signer(question)
    words = [action, question.host, access_key, f"({token})", asked.get("RoleArn"), session,
             asked.get("DurationSeconds"), asked.get("Policy"), asked.get("ExternalId"),
             asked.get("OIDCProviderArn"), asked.get("OIDCToken")]
    told = " ".join(word for word in words if word and word != "()")
    return as_json(200, {"RequestId": "1", "Credentials": keys("STS.sts", "sts-secret", told)})


def metadata(question, services):
    version = services.get("metadata")
    if not version:
        return 404, {}, ""
    if question.path == "/latest/api/token":
        return (404, {}, "") if version == "v1" else (200, {}, "metadata-token")
    with_token = question.headers.get("x-aliyun-ecs-metadata-token") == "metadata-token"
    if with_token if version == "v1, refuses tokens" else not with_token and version == "v2":
        return 403, {}, ""
    if question.path == ROLES:
        return 200, {}, "role-of-the-instance"
    role = question.path.removeprefix(ROLES)
    return as_json(200, {"Code": "Success", **keys("STS.ecs", "ecs-secret", f"ecs as {role}")})


def sign_in(question):
    """The two services behind profiles of people who sign in."""
    bearer = question.headers.get("authorization", "")
    if question.path == "/cloud-credentials":
        return as_json(200, {"CloudCredential": keys("STS.sso", "sso-secret", bearer)})
    if question.path == "/v1/exchange":
        return as_json(200, {"accessKeyId": "STS.oauth", "accessKeySecret": "oauth-secret",
                             "securityToken": bearer, "expiration": EXPIRATION})
    return 404, {}, ""


def answer(question, services):
    if question.host in ("https://signin.local", "https://oauth.aliyun.com"):
        return sign_in(question)
    if question.host.endswith(".aliyuncs.com"):
        return sts(question, services)
    if question.host == "http://100.100.100.200":
        return metadata(question, services)
    if question.host == "http://keys.local":
        told = f"at {question.path} {question.query}"
        return as_json(200, {"Code": "Success", **keys("STS.uri", "uri-secret", told)})
    return 404, {}, ""
