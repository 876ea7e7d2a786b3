"""The client hvac as it is published, against a started server.

Usage: hvac_client.py ADDRESS ROOT_TOKEN. Prints one JSON object on its last line: how many tests ran, and what failed.
"""

import json
import sys
import unittest

import hvac
from hvac import exceptions

ADDRESS, ROOT_TOKEN = sys.argv[1:3]


def client_of(token):
    return hvac.Client(url=ADDRESS, token=token)


class WithRoot(unittest.TestCase):
    def setUp(self):
        self.client = client_of(ROOT_TOKEN)
        self.sys = self.client.sys

    def token(self, **options):
        """A new token and a client that uses it."""
        auth = self.client.auth.token.create(**options)["auth"]
        return auth, client_of(auth["client_token"])

    def mounted(self, path, version):
        self.sys.enable_secrets_engine("kv", path=path, options={"version": version})
        self.addCleanup(self.sys.disable_secrets_engine, path)
        return path

    def auth_mounted(self, path, method):
        self.sys.enable_auth_method(method, path=path)
        self.addCleanup(self.sys.disable_auth_method, path)
        return path


class Server(WithRoot):
    def test_is_initialised_unsealed_and_authenticated(self):
        self.assertTrue(self.sys.is_initialized())
        self.assertFalse(self.sys.is_sealed())
        self.assertTrue(self.client.is_authenticated())
        self.assertFalse(client_of("s.wrong").is_authenticated())

    def test_health_by_head_and_get(self):
        self.assertEqual(self.sys.read_health_status(method="HEAD").status_code, 200)
        health = self.sys.read_health_status(method="GET")
        self.assertEqual((health["initialized"], health["sealed"], health["standby"]), (True, False, False))
        self.assertEqual(self.client.adapter.get("/v1/sys/health?activecode=299", raise_exception=False).status_code, 299)

    def test_leader_and_seal_status(self):
        self.assertIs(self.sys.read_leader_status()["ha_enabled"], False)
        status = self.sys.read_seal_status()
        self.assertEqual((status["sealed"], status["progress"]), (False, 0))

    def test_key_status_and_rotation(self):
        before = self.sys.get_encryption_key_status()["data"]["term"]
        self.sys.rotate_encryption_key()
        self.assertEqual(self.sys.get_encryption_key_status()["data"]["term"], before + 1)

    def test_errors_have_their_classes(self):
        with self.assertRaises(exceptions.Forbidden):
            client_of("s.wrong").secrets.kv.v2.read_secret_version("x")
        with self.assertRaises(exceptions.InvalidPath):
            self.client.secrets.kv.v1.read_secret("x", mount_point="no-such-mount")
        with self.assertRaises(exceptions.InvalidRequest):
            self.sys.enable_secrets_engine("no-such-engine", path="x")
        with self.assertRaisesRegex(exceptions.InvalidRequest, "path is already in use at cubbyhole/|cannot mount"):
            self.sys.enable_secrets_engine("kv", path="cubbyhole")

    def test_audit_devices_are_listed(self):
        self.assertIsInstance(self.sys.list_enabled_audit_devices()["data"], dict)


class Mounts(WithRoot):
    def test_secrets_engines(self):
        self.sys.enable_secrets_engine("kv", path="hvac-m", description="d", config={"default_lease_ttl": "1h"})
        listed = self.sys.list_mounted_secrets_engines()["data"]["hvac-m/"]
        self.assertEqual((listed["type"], listed["description"]), ("kv", "d"))
        self.assertEqual(listed["config"]["default_lease_ttl"], 3600)
        self.sys.tune_mount_configuration("hvac-m", default_lease_ttl="2h", max_lease_ttl="4h", description="e")
        tuned = self.sys.read_mount_configuration("hvac-m")["data"]
        self.assertEqual((tuned["default_lease_ttl"], tuned["max_lease_ttl"]), (7200, 14400))
        self.assertEqual(tuned["description"], "e")
        self.sys.move_backend("hvac-m", "hvac-n")
        self.assertIn("hvac-n/", self.sys.list_mounted_secrets_engines()["data"])
        self.assertNotIn("hvac-m/", self.sys.list_mounted_secrets_engines()["data"])
        self.sys.disable_secrets_engine("hvac-n")
        self.assertNotIn("hvac-n/", self.sys.list_mounted_secrets_engines()["data"])

    def test_option_of_a_mount(self):
        self.mounted("hvac-o", "2")
        self.assertEqual(self.sys.retrieve_mount_option("hvac-o", "version"), "2")

    def test_auth_methods(self):
        self.sys.enable_auth_method("userpass", path="hvac-a", description="d")
        self.assertEqual(self.sys.list_auth_methods()["data"]["hvac-a/"]["type"], "userpass")
        self.sys.tune_auth_method("hvac-a", default_lease_ttl="30m", max_lease_ttl="1h", listing_visibility="unauth")
        tuned = self.sys.read_auth_method_tuning("hvac-a")["data"]
        self.assertEqual((tuned["default_lease_ttl"], tuned["listing_visibility"]), (1800, "unauth"))
        self.sys.disable_auth_method("hvac-a")
        self.assertNotIn("hvac-a/", self.sys.list_auth_methods()["data"])


class KvVersion1(WithRoot):
    def test_life_of_a_secret(self):
        mount = self.mounted("hvac-kv1", "1")
        kv = self.client.secrets.kv.v1
        kv.create_or_update_secret("a/b", {"user": "u", "n": 3, "deep": {"x": [1, None]}}, mount_point=mount)
        read = kv.read_secret("a/b", mount_point=mount)
        self.assertEqual(read["data"], {"user": "u", "n": 3, "deep": {"x": [1, None]}})
        self.assertEqual((read["lease_id"], read["renewable"], read["wrap_info"]), ("", False, None))
        self.assertEqual(kv.list_secrets("a", mount_point=mount)["data"]["keys"], ["b"])
        kv.delete_secret("a/b", mount_point=mount)
        with self.assertRaises(exceptions.InvalidPath):
            kv.read_secret("a/b", mount_point=mount)
        with self.assertRaises(exceptions.InvalidPath):
            kv.list_secrets("a", mount_point=mount)

    def test_paths_by_the_generic_methods(self):
        mount = self.mounted("hvac-raw", "1")
        for name in ("ä ö/ü", "with.dots", "with-dash_and_underscore", "a+b&c=d"):
            self.client.write(f"{mount}/{name}", v=name)
            self.assertEqual(self.client.read(f"{mount}/{name}")["data"], {"v": name})
        self.assertIsNone(self.client.read(f"{mount}/none"))
        self.assertIsNone(self.client.list(f"{mount}/none"))
        self.assertEqual(
            self.client.list(mount)["data"]["keys"],
            ["a+b&c=d", "with-dash_and_underscore", "with.dots", "ä ö/"],
        )
        self.client.delete(f"{mount}/with.dots")
        self.assertIsNone(self.client.read(f"{mount}/with.dots"))


class KvVersion2(WithRoot):
    def setUp(self):
        super().setUp()
        self.mount = self.mounted("hvac-kv2", "2")
        self.kv = self.client.secrets.kv.v2

    def write(self, path, secret, **options):
        return self.kv.create_or_update_secret(path, secret, mount_point=self.mount, **options)["data"]

    def read(self, path, version=None):
        return self.kv.read_secret_version(path, version=version, mount_point=self.mount)["data"]

    def metadata(self, path):
        return self.kv.read_secret_metadata(path, mount_point=self.mount)["data"]

    def test_versions_and_check_and_set(self):
        self.assertEqual(self.write("a", {"v": "1"}, cas=0)["version"], 1)
        self.assertEqual(self.write("a", {"v": "2"}, cas=1)["version"], 2)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "did not match the current version"):
            self.write("a", {"v": "3"}, cas=1)
        self.assertEqual(self.read("a")["data"], {"v": "2"})
        self.assertEqual(self.read("a", version=1)["data"], {"v": "1"})
        with self.assertRaises(exceptions.InvalidPath):
            self.read("a", version=7)

    def test_patch(self):
        self.write("p", {"keep": "k", "change": "c"})
        self.kv.patch("p", {"change": "C", "new": "n"}, mount_point=self.mount)
        self.assertEqual(self.read("p")["data"], {"keep": "k", "change": "C", "new": "n"})
        with self.assertRaises(exceptions.InvalidPath):
            self.kv.patch("never", {"a": "b"}, mount_point=self.mount)

    def test_delete_undelete_destroy(self):
        for v in "123":
            self.write("d", {"v": v})
        self.kv.delete_latest_version_of_secret("d", mount_point=self.mount)
        with self.assertRaises(exceptions.InvalidPath) as deleted:
            self.read("d")
        body = json.loads(deleted.exception.text)
        self.assertIsNone(body["data"]["data"])
        self.assertNotEqual(body["data"]["metadata"]["deletion_time"], "")
        self.kv.undelete_secret_versions("d", [3], mount_point=self.mount)
        self.assertEqual(self.read("d")["data"], {"v": "3"})
        self.kv.delete_secret_versions("d", [1, 2], mount_point=self.mount)
        self.kv.destroy_secret_versions("d", [2], mount_point=self.mount)
        versions = self.metadata("d")["versions"]
        self.assertNotEqual(versions["1"]["deletion_time"], "")
        self.assertIs(versions["2"]["destroyed"], True)
        self.assertEqual(versions["3"]["deletion_time"], "")

    def test_metadata(self):
        self.kv.update_metadata(
            "m", max_versions=2, cas_required=True, delete_version_after="1h30m", custom_metadata={"k": "v"}, mount_point=self.mount
        )
        meta = self.metadata("m")
        self.assertEqual((meta["max_versions"], meta["cas_required"]), (2, True))
        self.assertEqual((meta["delete_version_after"], meta["custom_metadata"]), ("1h30m0s", {"k": "v"}))
        with self.assertRaisesRegex(exceptions.InvalidRequest, "required for this call"):
            self.write("m", {"v": "1"})
        for cas in range(4):
            self.write("m", {"v": str(cas)}, cas=cas)
        self.assertEqual(sorted(self.metadata("m")["versions"]), ["3", "4"])
        self.kv.delete_metadata_and_all_versions("m", mount_point=self.mount)
        with self.assertRaises(exceptions.InvalidPath):
            self.metadata("m")

    def test_lists(self):
        for path in ("l/a", "l/b/c", "l/b"):
            self.write(path, {"v": path})
        self.assertEqual(self.kv.list_secrets("l", mount_point=self.mount)["data"]["keys"], ["a", "b", "b/"])

    def test_configuration_of_the_mount(self):
        self.kv.configure(max_versions=4, cas_required=True, delete_version_after="2h", mount_point=self.mount)
        config = self.kv.read_configuration(mount_point=self.mount)["data"]
        self.assertEqual(config["max_versions"], 4)
        self.assertEqual((config["cas_required"], config["delete_version_after"]), (True, "2h0m0s"))
        with self.assertRaises(exceptions.InvalidRequest):
            self.write("c", {"v": "1"})


class Policies(WithRoot):
    RULES = 'path "hvac-policy/*" {\n  capabilities = ["read"]\n}\n'

    def test_both_interfaces(self):
        self.sys.create_or_update_policy("hvac-p", self.RULES)
        self.assertIn("hvac-p", self.sys.list_policies()["data"]["policies"])
        self.assertEqual(self.sys.read_policy("hvac-p")["data"]["rules"], self.RULES)
        self.assertIn("hvac-p", self.sys.list_acl_policies()["data"]["keys"])
        self.assertEqual(self.sys.read_acl_policy("hvac-p")["data"]["policy"], self.RULES)
        self.sys.delete_policy("hvac-p")
        with self.assertRaises(exceptions.InvalidPath):
            self.sys.read_policy("hvac-p")

    def test_policies_as_json(self):
        self.sys.create_or_update_acl_policy("hvac-j", {"path": {"hvac-policy/*": {"capabilities": ["read", "list"]}}})
        self.assertIn("hvac-policy/*", self.sys.read_acl_policy("hvac-j")["data"]["policy"])
        self.sys.delete_acl_policy("hvac-j")

    def test_capabilities(self):
        self.sys.create_or_update_policy("hvac-c", self.RULES)
        auth, client = self.token(policies=["hvac-c"])
        paths = ["hvac-policy/x", "other/x"]
        own = client.sys.get_capabilities(paths=paths)
        self.assertEqual((own["hvac-policy/x"], own["other/x"]), (["read"], ["deny"]))
        for named in ({"token": auth["client_token"]}, {"accessor": auth["accessor"]}):
            self.assertEqual(self.sys.get_capabilities(paths=paths, **named)["hvac-policy/x"], ["read"])
        self.assertEqual(self.sys.get_capabilities(paths=paths)["other/x"], ["root"])
        self.mounted("hvac-policy", "1")
        self.client.write("hvac-policy/x", v="1")
        self.assertEqual(client.read("hvac-policy/x")["data"], {"v": "1"})
        with self.assertRaises(exceptions.Forbidden):
            client.write("hvac-policy/x", v="2")


class Tokens(WithRoot):
    def test_life(self):
        auth, client = self.token(policies=["default"], ttl="1h", meta={"k": "v"}, display_name="hvac")
        own = client.auth.token.lookup_self()["data"]
        self.assertEqual((own["meta"], own["display_name"], own["policies"]), ({"k": "v"}, "token-hvac", ["default"]))
        self.assertEqual(self.client.auth.token.lookup(auth["client_token"])["data"]["accessor"], auth["accessor"])
        self.assertEqual(self.client.auth.token.lookup_accessor(auth["accessor"])["data"]["id"], "")
        self.assertEqual(client.auth.token.renew_self(increment="2h")["auth"]["lease_duration"], 7200)
        self.assertEqual(self.client.auth.token.renew(auth["client_token"], increment=600)["auth"]["lease_duration"], 600)
        self.assertEqual(
            self.client.auth.token.renew_accessor(auth["accessor"], increment="20m")["auth"]["lease_duration"], 1200
        )
        self.assertIn(auth["accessor"], self.client.auth.token.list_accessors()["data"]["keys"])
        self.client.auth.token.revoke(auth["client_token"])
        with self.assertRaises(exceptions.Forbidden):
            client.auth.token.lookup_self()
        with self.assertRaises(exceptions.Forbidden):
            self.client.auth.token.lookup(auth["client_token"])

    def test_kinds(self):
        orphan = self.client.auth.token.create_orphan(policies=["default"], ttl="1h")["auth"]
        self.assertIs(orphan["orphan"], True)
        batch, client = self.token(policies=["default"], type="batch", ttl="1h")
        self.assertEqual((batch["token_type"], batch["renewable"], batch["accessor"]), ("batch", False, ""))
        self.assertEqual(client.auth.token.lookup_self()["data"]["type"], "batch")
        periodic, client = self.token(policies=["default"], period="15m")
        self.assertEqual(client.auth.token.renew_self()["auth"]["lease_duration"], 900)
        limited, client = self.token(policies=["default"], num_uses=1, ttl="1h")
        self.assertLess(client.auth.token.lookup_self()["data"]["num_uses"], 1)
        with self.assertRaises(exceptions.Forbidden):
            client.auth.token.lookup_self()

    def test_trees(self):
        parent, as_parent = self.token(policies=["root"], ttl="1h")
        child = as_parent.auth.token.create(ttl="1h")["auth"]
        self.client.auth.token.revoke_and_orphan_children(parent["client_token"])
        self.assertIs(self.client.auth.token.lookup(child["client_token"])["data"]["orphan"], True)
        grandchild = client_of(child["client_token"]).auth.token.create(ttl="1h")["auth"]
        client_of(child["client_token"]).auth.token.revoke_self()
        with self.assertRaises(exceptions.Forbidden):
            self.client.auth.token.lookup(grandchild["client_token"])

    def test_roles(self):
        roles = self.client.auth.token
        roles.create_or_update_role("hvac-r", allowed_policies="default,a", orphan=True, token_period="1h", path_suffix="suffix")
        self.assertIn("hvac-r", roles.list_roles()["data"]["keys"])
        role = roles.read_role("hvac-r")["data"]
        self.assertEqual(sorted(role["allowed_policies"]), ["a", "default"])
        self.assertEqual((role["orphan"], role["token_period"]), (True, 3600))
        auth = roles.create(role_name="hvac-r", policies=["a"])["auth"]
        self.assertEqual((auth["policies"], auth["lease_duration"]), (["a", "default"], 3600))
        roles.delete_role("hvac-r")
        with self.assertRaises(exceptions.InvalidPath):
            roles.read_role("hvac-r")

    def test_tidy(self):
        self.assertEqual(self.client.auth.token.tidy().status_code, 202)


class AppRole(WithRoot):
    def setUp(self):
        super().setUp()
        self.mount = self.auth_mounted("hvac-approle", "approle")
        self.approle = self.client.auth.approle

    def test_login(self):
        at = {"mount_point": self.mount}
        self.approle.create_or_update_approle("r", token_policies=["a"], token_ttl="10m", secret_id_num_uses=1, **at)
        self.assertEqual(self.approle.list_roles(**at)["data"]["keys"], ["r"])
        self.assertEqual(self.approle.read_role("r", **at)["data"]["token_ttl"], 600)
        self.approle.update_role_id("r", "chosen", **at)
        self.assertEqual(self.approle.read_role_id("r", **at)["data"]["role_id"], "chosen")
        secret = self.approle.generate_secret_id("r", metadata={"k": "v"}, **at)["data"]["secret_id"]
        client = hvac.Client(url=ADDRESS)
        login = client.auth.approle.login("chosen", secret, **at)
        self.assertEqual(login["auth"]["metadata"], {"role_name": "r", "k": "v"})
        self.assertEqual(client.token, login["auth"]["client_token"])
        self.assertEqual(client.auth.token.lookup_self()["data"]["policies"], ["a", "default"])
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid role or secret ID"):
            self.approle.login("chosen", secret, use_token=False, **at)
        self.approle.delete_role("r", **at)
        with self.assertRaises(exceptions.InvalidPath):
            self.approle.read_role("r", **at)

    def test_secrets_of_a_role(self):
        at = {"mount_point": self.mount}
        self.approle.create_or_update_approle("s", **at)
        made = self.approle.generate_secret_id("s", **at)["data"]
        self.approle.create_custom_secret_id("s", "custom", metadata={"a": "b"}, **at)
        self.assertEqual(len(self.approle.list_secret_id_accessors("s", **at)["data"]["keys"]), 2)
        self.assertEqual(self.approle.read_secret_id("s", "custom", **at)["data"]["metadata"], {"a": "b"})
        accessor = made["secret_id_accessor"]
        self.assertEqual(self.approle.read_secret_id_accessor("s", accessor, **at)["data"]["secret_id_accessor"], accessor)
        self.approle.destroy_secret_id_accessor("s", accessor, **at)
        self.approle.destroy_secret_id("s", "custom", **at)
        with self.assertRaises(exceptions.InvalidPath):
            self.approle.list_secret_id_accessors("s", **at)

    def test_wrapped_secret(self):
        at = {"mount_point": self.mount}
        self.approle.create_or_update_approle("w", **at)
        wrapped = self.approle.generate_secret_id("w", wrap_ttl="2m", **at)["wrap_info"]
        self.assertEqual(wrapped["creation_path"], "auth/hvac-approle/role/w/secret-id")
        secret = self.sys.unwrap(wrapped["token"])["data"]["secret_id"]
        role = self.approle.read_role_id("w", **at)["data"]["role_id"]
        self.assertTrue(self.approle.login(role, secret, use_token=False, **at)["auth"]["client_token"])


class Userpass(WithRoot):
    def test_life_of_a_user(self):
        at = {"mount_point": self.auth_mounted("hvac-userpass", "userpass")}
        users = self.client.auth.userpass
        users.create_or_update_user("anna", password="first", policies="a", **at)
        self.assertEqual(users.list_user(**at)["data"]["keys"], ["anna"])
        self.assertEqual(users.read_user("anna", **at)["data"]["policies"], ["a"])
        client = hvac.Client(url=ADDRESS)
        login = client.auth.userpass.login("anna", "first", **at)
        self.assertEqual(login["auth"]["metadata"], {"username": "anna"})
        self.assertTrue(client.is_authenticated())
        users.update_password_on_user("anna", "second", **at)
        with self.assertRaisesRegex(exceptions.InvalidRequest, "invalid username or password"):
            users.login("anna", "first", use_token=False, **at)
        users.login("anna", "second", use_token=False, **at)
        users.delete_user("anna", **at)
        with self.assertRaises(exceptions.InvalidRequest):
            users.login("anna", "second", use_token=False, **at)


class Wrapping(WithRoot):
    def test_wrap_and_unwrap_once(self):
        wrapped = self.sys.wrap({"a": "b"}, ttl=90)["wrap_info"]
        self.assertEqual((wrapped["ttl"], wrapped["creation_path"]), (90, "sys/wrapping/wrap"))
        self.assertEqual(self.sys.unwrap(wrapped["token"])["data"], {"a": "b"})
        with self.assertRaises((exceptions.InvalidRequest, exceptions.Forbidden)):
            self.sys.unwrap(wrapped["token"])

    def test_unwrap_by_the_wrapping_token(self):
        wrapped = self.sys.wrap({"a": "b"})["wrap_info"]
        self.assertEqual(client_of(wrapped["token"]).sys.unwrap()["data"], {"a": "b"})

    def test_cubbyhole(self):
        _, client = self.token(policies=["default"], ttl="1h")
        client.write("cubbyhole/x", v="own")
        self.assertEqual(client.read("cubbyhole/x")["data"], {"v": "own"})
        self.assertEqual(client.list("cubbyhole")["data"]["keys"], ["x"])
        self.assertIsNone(self.client.read("cubbyhole/x"))


class Identity(WithRoot):
    def setUp(self):
        super().setUp()
        self.identity = self.client.secrets.identity

    def test_entities(self):
        made = self.identity.create_or_update_entity("hvac-e", metadata={"k": "v"}, policies=["p"])["data"]
        self.addCleanup(self.identity.delete_entity, made["id"])
        read = self.identity.read_entity(made["id"])["data"]
        self.assertEqual((read["name"], read["metadata"], read["policies"]), ("hvac-e", {"k": "v"}, ["p"]))
        self.assertIs(read["disabled"], False)
        self.identity.update_entity(made["id"], name="hvac-f", metadata={"k": "w"})
        self.assertEqual(self.identity.read_entity_by_name("hvac-f")["data"]["metadata"], {"k": "w"})
        self.assertIn(made["id"], self.identity.list_entities()["data"]["keys"])
        self.assertIn("hvac-f", self.identity.list_entities_by_name(method="GET")["data"]["keys"])
        self.assertEqual(self.identity.lookup_entity(name="hvac-f")["data"]["id"], made["id"])
        self.assertIsNone(self.client.read("identity/entity/name/none"))

    def test_aliases_join_logins(self):
        mount = self.auth_mounted("hvac-people", "userpass")
        accessor = self.sys.list_auth_methods()["data"]["hvac-people/"]["accessor"]
        self.client.auth.userpass.create_or_update_user("ben", password="p", mount_point=mount)
        entity = self.identity.create_or_update_entity("hvac-ben", policies=["of-entity"])["data"]["id"]
        self.addCleanup(self.identity.delete_entity, entity)
        alias = self.identity.create_or_update_entity_alias("ben", entity, accessor)["data"]["id"]
        group = self.identity.create_or_update_group("hvac-g", policies=["of-group"], member_entity_ids=[entity])["data"]["id"]
        self.addCleanup(self.identity.delete_group, group)
        auth = self.client.auth.userpass.login("ben", "p", use_token=False, mount_point=mount)["auth"]
        self.assertEqual((auth["entity_id"], auth["identity_policies"]), (entity, ["of-entity", "of-group"]))
        self.assertEqual(self.identity.read_entity_alias(alias)["data"]["mount_type"], "userpass")
        self.assertIn(alias, self.identity.list_entity_aliases()["data"]["keys"])
        self.assertEqual(self.identity.read_group(group)["data"]["member_entity_ids"], [entity])
        self.assertEqual(self.identity.read_group_by_name("hvac-g")["data"]["id"], group)
        self.assertEqual(self.identity.lookup_group(name="hvac-g")["data"]["id"], group)
        self.assertIn("hvac-g", self.identity.list_groups_by_name()["data"]["keys"])
        self.identity.delete_entity_alias(alias)
        self.assertEqual(self.identity.read_entity(entity)["data"]["aliases"], [])


class Leases(WithRoot):
    def test_leases_of_logins(self):
        mount = self.auth_mounted("hvac-leases", "userpass")
        self.client.auth.userpass.create_or_update_user("lee", password="p", mount_point=mount)
        auth = self.client.auth.userpass.login("lee", "p", use_token=False, mount_point=mount)["auth"]
        prefix = f"auth/{mount}/login/lee"
        (key,) = self.sys.list_leases(prefix)["data"]["keys"]
        lease = self.sys.read_lease(f"{prefix}/{key}")["data"]
        self.assertEqual((lease["id"], lease["renewable"]), (f"{prefix}/{key}", True))
        self.sys.revoke_prefix(f"auth/{mount}")
        self.assertFalse(client_of(auth["client_token"]).is_authenticated())
        with self.assertRaises(exceptions.InvalidRequest):
            self.sys.read_lease(f"{prefix}/{key}")
        with self.assertRaises(exceptions.InvalidPath):
            self.sys.list_leases(prefix)


class Quotas(WithRoot):
    def test_rate_limits(self):
        self.sys.create_or_update_quota("hvac-q", rate=1000.0, path="", interval="1s")
        self.addCleanup(self.sys.delete_quota, "hvac-q")
        self.assertEqual(self.sys.read_quota("hvac-q")["data"]["rate"], 1000)
        self.assertIn("hvac-q", self.sys.list_quotas()["data"]["keys"])


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(suite)
    failed = [f"{test}: {trace}" for test, trace in result.failures + result.errors]
    print(json.dumps({"ran": result.testsRun, "skipped": len(result.skipped), "failed": failed}))


if __name__ == "__main__":
    main()
