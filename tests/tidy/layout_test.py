"""The layout's own rules: who may include whom, which library lives where, what a file may do."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXPORTER = ROOT / "exporter"
FILE_LINES_MAX = 400
CLASS_FIELDS_MAX = 15

# All may include base; what is not listed is an error.
ARROWS = {
    "base": set(),
    "model": set(),
    "config": set(),
    "net": set(),
    "cloud": {"net", "model", "config"},
    "acr": {"cloud", "net", "model", "config"},
    "swr": {"cloud", "net", "model", "config"},
    "swr_ee": {"swr", "cloud", "net", "model", "config"},
    "store": {"model"},
    "ingest": {"model", "store/state_store.h"},
    "exposition": {"model"},
    "web": {"exposition", "model", "config/config.h", "config/secret_files.h",
            "config/spelling.h", "config/yaml_section.h"},
    "": {"acr", "swr", "swr_ee", "cloud", "config", "exposition", "ingest", "model", "net", "store", "web",
         ""},
}

# A library, by its headers, and the only files or folders that may know of it.
CONTAINED = {
    r"<curl/": {"net/curl_error.cc", "net/curl_error.h", "net/curl_handle.h", "net/curl_request.cc",
                "net/curl_request.h", "net/curl_response.cc", "net/curl_response.h",
                "net/curl_transport.cc"},
    r"<boost/": {"web/asio_loop.h", "web/asio_connection.h",
                  "web/asio_connection.cc", "web/asio_server.cc"},
    r"<(sqlite3|SQLiteCpp/)": {"store/sqlite_state_store.cc", "store/state_database.cc", "store/record_table.cc",
                               "store/sqlite_error.cc", "store/state_copy.cc"},
    r"<simdjson": {"net/json.h", "net/json.cc"},
    r"<nlohmann/": {"acr/", "swr/", "web/repositories_json.cc",
                    "web/scrape_targets.cc"},
    r"<yaml-cpp/": {"config/yaml_section.h", "config/parse.cc", "config/documents.cc", "config/yaml_section.cc",
                    "web/web_config.cc"},
    r"<re2/": {"config/filter.cc"},
    r"<prometheus/": set(),  # The tests count beside it.
    r"<protozero/": {"exposition/protobuf_writer.cc"},
    r"<openssl/": {"base/digest.cc", "base/out_of_memory.cc", "net/curl_error.cc",
                    "net/curl_request.cc", "web/tls_context.cc",
                    "web/asio_connection.cc"},
    r"<crypt": {"web/basic_auth.cc"},
    r"<spdlog/": {"base/log.cc"},
    r"<CLI/": {"options.cc"},
    r"<httplib": set(),
    r"<zlib": {"exposition/gzip_stream.cc", "store/blob.cc"},
}

# What only shell files may do.
IMPURE = {
    r"system_clock::now|steady_clock::now|sleep_for|random_device": {"base/system_runtime.cc"},
    # Numbers and letters mean the same in every environment.
    r"\bsetlocale\(|std::locale\b|\blocaltime|\btzset\(": set(),
    r"\bgetenv\(": {"config/load.cc", "main.cc", "web/asio_server.cc"},
    r"std::(jthread|thread)\b(?!::)": {"base/system_runtime.cc", "web/asio_server.cc"},
    r'#include "exporter/base/log.h"': {"base/log.cc", "app.cc", "backfill_report.cc", "options.h",
                                        "cloud/namespace_discovery.cc", "config/secret_files.cc", "ingest/registry_log.cc",
                                        "ingest/committer.cc", "web/asio_server.cc",
                                        "web/asio_connection.cc", "web/web_access.cc",
                                        "web/routes.cc",
                                        "web/task_threads.cc"},
}


def sources():
    for path in sorted(EXPORTER.rglob("*")):
        if path.suffix in (".cc", ".h"):
            yield path.relative_to(EXPORTER).as_posix(), path.read_text()


def folder_of(name):
    return name.split("/")[0] if "/" in name else ""


def allowed(name, places):
    return any(name == place or (place.endswith("/") and name.startswith(place))
               for place in places)


class Layout(unittest.TestCase):
    def test_includes_follow_the_arrows(self):
        wrong = []
        for name, text in sources():
            own = folder_of(name)
            self.assertIn(own, ARROWS, f"a folder without rules: {own}")
            for target in re.findall(r'#include "exporter/([^"]+)"', text):
                to = folder_of(target)
                right = (to in (own, "base") or to in ARROWS[own] or target in ARROWS[own])
                if not right:
                    wrong.append(f"{name} includes {target}")
        self.assertEqual(wrong, [])

    def test_each_folder_has_its_namespace(self):
        wrong = []
        for name, text in sources():
            folder = folder_of(name)
            own = "registry_exporter" + ("" if folder in ("", "base", "model") else "::" + folder)
            opened = re.findall(r"^namespace (registry_exporter[\w:]*) \{", text, re.MULTILINE)
            if any(each != own and not each.startswith(own + "::") for each in opened):
                wrong.append(f"{name}: {', '.join(opened)} instead of {own}")
        self.assertEqual(wrong, [])

    def test_the_engine_knows_no_page(self):
        wrong = [name for name, text in sources() if name.startswith("engine")
                 and '#include "exporter/web/' in text]
        self.assertEqual(wrong, [])

    def test_only_the_composition_root_asks_in_which_cloud_a_registry_is(self):
        # The doctor, too: its advice is about the clouds' own words.
        may = {"config/", "acr/", "swr/", "swr_ee/", "clouds.cc"}
        wrong = [name for name, text in sources()
                 if re.search(r"\bis_(acr|swr|swr_ee)\(\)|\b(Acr|Swr|SwrEe)Config\b", text)
                 and not allowed(name, may) and not name.startswith("doctor")]
        self.assertEqual(wrong, [])

    def test_libraries_stay_where_they_belong(self):
        wrong = [f"{name}: {library}" for name, text in sources()
                 for library, places in CONTAINED.items()
                 if re.search("#include " + library, text) and not allowed(name, places)]
        self.assertEqual(wrong, [])

    def test_only_shell_files_are_impure(self):
        wrong = [f"{name}: {act}" for name, text in sources() for act, places in IMPURE.items()
                 if re.search(act, re.sub(r"//.*", "", text)) and not allowed(name, places)]
        self.assertEqual(wrong, [])

    def test_files_have_a_size_that_one_person_can_read(self):
        long = [f"{name}: {len(text.splitlines())} lines" for name, text in sources()
                if len(text.splitlines()) > FILE_LINES_MAX]
        self.assertEqual(long, [])

    def test_classes_have_few_fields(self):
        field = re.compile(r"^  (?!.*\)[^;]*\{)[^\s/].*\b\w+_"
                           r"(?: GUARDED_BY\(\w+\))?(?: = [^;]*|\{[^;]*\})?;", re.MULTILINE)
        many = []
        for name, text in sources():
            for found in re.finditer(r"^class (?:\w+\([^)]*\) )?(\w+)[^;{]*\{(.*?)^\};",
                                     text, re.MULTILINE | re.DOTALL):
                fields = len(field.findall(found[2]))
                if fields > CLASS_FIELDS_MAX:
                    many.append(f"{name}: {found[1]} has {fields} fields")
        self.assertEqual(many, [])

    def test_no_two_rooms_have_a_type_of_one_name(self):
        # What plays the same part for each cloud has the same name there.
        rooms = {}
        for name, text in sources():
            room = "clouds" if folder_of(name) in ("acr", "swr", "swr_ee") else folder_of(name)
            for found in re.findall(r"^(?:struct|class|enum class|using) (?:\w+\(.*\) )?(\w+)"
                                    r"(?: final)?(?: : [^{;]+)? (?:\{|=)", text, re.MULTILINE):
                rooms.setdefault(found, set()).add(room)
        self.assertEqual({name: where for name, where in rooms.items() if len(where) > 1}, {})

    def test_names_say_what_a_thing_is(self):
        wrong = [f"{name}: {word}" for name, text in sources()
                 for word in re.findall(
                     r"\b(?:class|struct) (\w*(?:Manager|Helper|Util|Impl|Data|Info))\b", text)]
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
