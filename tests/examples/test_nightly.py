"""docs/nightly.md: each example is run, or checked as far as this machine can."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from auditor.cli import app
from auditor.configuration import hints_of
from auditor.settings import Settings
from tests.pictures import draw_photo, place_image

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "docs" / "examples"
DOCUMENT = (REPOSITORY / "docs" / "nightly.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^\[`([\w.-]+)`\]\(examples/\1\):\n\n```\w*\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL))
INSTALLED = "/opt/auditor/bin/auditor"          # where the examples have it
HOME = "/srv/pets"


def text(name):
    return (EXAMPLES / name).read_text(encoding="utf-8")


def loaded(name):
    return yaml.safe_load(text(name))


def cron_command():
    """The one line of the crontab without its five times, as cron hands it to sh."""
    (line,) = [line for line in text("crontab").splitlines() if line and not line.startswith("#")]
    command = line.split(maxsplit=5)[5]
    assert "%" not in command.replace("\\%", "")        # a line feed to cron
    return command.replace("\\%", "%")


def unit(name):
    """(section, key, value) of every line of a unit of systemd."""
    section = ""
    for line in text(name).splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            yield section, key, value


def unit_values(name):
    return ((key, value) for _, key, value in unit(name))


def dockerfile():
    """(instruction, arguments) of every instruction, its lines joined."""
    bare = "\n".join(line for line in text("Dockerfile").splitlines() if not line.startswith("#"))
    return [tuple(line.split(maxsplit=1)) for line in bare.replace("\\\n", "").splitlines() if line.strip()]


def dag_call(name):
    """The keywords of a call in the DAG, evaluated as far as they are literal."""
    calls = [node for node in ast.walk(ast.parse(text("airflow_dag.py"))) if isinstance(node, ast.Call)]
    (call,) = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == name]
    return {each.arg: each.value.value for each in call.keywords if isinstance(each.value, ast.Constant)}


def pod():
    return loaded("cronjob.yaml")["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def container():
    return pod()["containers"][0]


def steps():
    return loaded("github-actions.yml")["jobs"]["auditor"]["steps"]


def scripts():
    """Name -> script for sh: all that the examples and the document hold."""
    found = {"crontab": cron_command(), "airflow_dag.py": dag_call("BashOperator")["bash_command"]}
    found |= {f"github-actions.yml {place}": step["run"] for place, step in enumerate(steps()) if "run" in step}
    found |= {f"gitlab-ci.yml {place}": line for place, line in enumerate(loaded("gitlab-ci.yml")["auditor"]["script"])}
    runs = [arguments for instruction, arguments in dockerfile() if instruction == "RUN"]
    found |= {f"Dockerfile {place}": line for place, line in enumerate(runs)}
    blocks = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    found |= {f"nightly.md {place}": block for place, block in enumerate(blocks)}
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    (ours,) = loaded("pre-commit-config.yaml")["repos"][0]["hooks"]
    found["pre-commit"] = shlex.join([*shlex.split(hook["entry"]), *ours["args"]])
    found |= {f"auditor.service {key}": value for _, key, value in unit("auditor.service") if key.startswith("Exec")}
    found["cronjob.yaml"] = shlex.join(["auditor", *container()["args"]])
    (entry,) = [yaml.safe_load(arguments) for instruction, arguments in dockerfile() if instruction == "ENTRYPOINT"]
    (usual,) = [yaml.safe_load(arguments) for instruction, arguments in dockerfile() if instruction == "CMD"]
    return found | {"Dockerfile CMD": shlex.join([*entry, *usual])}


def simple_commands(script):
    """The words of every command of a script, without redirections."""
    lexer = shlex.shlex(script.replace("\\\n", " ").replace("\n", ";"), posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words = []
    for word in lexer:
        if set(word) <= set("();<>|&"):
            yield words
            words = []
        else:
            words.append(word)
    yield words


def commands():
    """(where, arguments) of every command of auditor in a script, and of every one in the text of the document."""
    image = container()["image"]
    for where, script in scripts().items():
        for words in simple_commands(script):
            if words and words[0] in ("auditor", INSTALLED):
                yield where, words[1:]
            if words[:2] == ["docker", "run"]:
                yield where, words[words.index(image) + 1 :]
    for command in re.findall(r"`(auditor [^`]+)`", DOCUMENT):
        yield "nightly.md text", shlex.split(command)[1:]


def test_every_example_is_in_the_document_as_it_is():
    assert {name: text(name) for name in (path.name for path in EXAMPLES.iterdir())} == BLOCKS


@pytest.mark.parametrize("name", scripts())
def test_the_shell_reads_every_script(name):
    subprocess.run(["sh", "-n"], input=scripts()[name], text=True, check=True, timeout=60)


def test_every_command_of_auditor_has_only_options_that_there_are():
    found = list(commands())
    assert {where.split()[0] for where, _ in found} >= {
        "crontab", "auditor.service", "github-actions.yml", "gitlab-ci.yml", "airflow_dag.py", "cronjob.yaml",
        "Dockerfile", "pre-commit", "nightly.md",
    }  # fmt: skip
    for where, arguments in found:
        name, *options = arguments
        command = typer.main.get_command(app).commands[name]
        while hasattr(command, "commands"):
            command, options = command.commands[options[0]], options[1:]

        values = command.make_context(name, options).params     # raises where an option is unknown

        if name == "scan":
            stated = {key: value for key, value in values.items() if value not in (None, [], ())}
            assert Settings(**{key: stated[key] for key in stated.keys() & hints_of(Settings).keys()}), where


def test_the_settings_of_the_examples_are_accepted():
    settings = Settings.load(config=EXAMPLES / "auditor.toml")

    assert (settings.name, len(settings.fail_on)) == ("pets", 2)


def run_as_written(command, folder):
    """Runs a command of an example by sh, with the folder and the program of this machine in it."""
    program = shlex.join([sys.executable, "-m", "auditor"])
    script = command.replace(INSTALLED, program).replace(HOME, shlex.quote(str(folder)))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=300, env=environment)


@pytest.fixture
def pets(tmp_path):
    """A folder with the settings of the examples and a few drawn images; without a model, to be quick."""
    for number in range(3):
        place_image(draw_photo(number), tmp_path / "data" / "train" / "cat" / f"{number}.jpg")
        place_image(draw_photo(10 + number), tmp_path / "data" / "train" / "dog" / f"{number}.jpg")
    (tmp_path / "auditor.toml").write_text(text("auditor.toml") + "no_model = true\n", encoding="utf-8")
    return tmp_path


def test_cron_is_silent_when_all_is_well_and_tells_when_a_gate_failed(pets):
    done = run_as_written(cron_command(), pets)
    assert (done.stdout, done.stderr) == ("", "")
    assert (pets / "reports" / "pets" / "latest" / "index.html").is_file()

    (pets / "data" / "train" / "cat" / "broken.jpg").write_bytes(b"")
    done = run_as_written(cron_command(), pets)
    assert done.stdout.startswith("auditor ended with 1\n")
    assert "unreadable" in done.stdout


def test_what_systemd_starts_in_the_folder_ends_with_a_report_and_figures(pets):
    figures = "/var/lib/node_exporter"
    start = scripts()["auditor.service ExecStart"].replace(figures, shlex.quote(str(pets)))

    done = run_as_written(f"cd {dict(unit_values('auditor.service'))['WorkingDirectory']} && {start}", pets)

    assert done.returncode == 0, done.stderr
    assert (pets / "reports" / "pets" / "latest" / "summary.json").is_file()
    assert "auditor" in (pets / "auditor_pets.prom").read_text(encoding="utf-8")


def test_what_airflow_starts_anywhere_ends_with_a_report(pets, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))

    done = run_as_written(scripts()["airflow_dag.py"], pets)

    assert done.returncode == 0, done.stderr
    assert (pets / "reports" / "pets" / "latest" / "summary.json").is_file()
    assert not list(Path().iterdir())


def test_the_dag_is_python_that_asks_for_what_airflow_has():
    compile(text("airflow_dag.py"), "airflow_dag.py", "exec")

    assert dag_call("BashOperator")["task_id"] == "scan"
    assert dag_call("DAG") | {"schedule": "17 2 * * *", "catchup": False} == dag_call("DAG")


def test_systemd_accepts_the_units(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "auditor"              # that it is there is checked too
    program.symlink_to(sys.executable)
    for name in ("auditor.service", "auditor.timer"):
        (tmp_path / name).write_text(text(name).replace(INSTALLED, str(program)), encoding="utf-8")

    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / "auditor.timer", tmp_path / "auditor.service"],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr, done.stderr


def test_the_service_begins_again_only_where_that_can_help():
    values = dict(unit_values("auditor.service"))

    assert (values["Restart"], values["RestartPreventExitStatus"]) == ("on-failure", "1 2")
    assert {value for _, key, value in unit("auditor.timer") if key == "WantedBy"} == {"timers.target"}


def test_the_workflow_of_github_has_the_form_of_one():
    workflow = loaded("github-actions.yml")

    assert workflow[True].keys() == {"pull_request", "schedule"}                # YAML 1.1 reads `on` as true
    assert workflow["permissions"] == {"contents": "read", "security-events": "write"}
    job = workflow["jobs"]["auditor"]
    assert job.keys() == {"runs-on", "steps"}
    for step in job["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert step.keys() <= {"name", "if", "uses", "with", "run"}
        assert re.fullmatch(r"[\w-]+(/[\w-]+)+@v\d+", step.get("uses", "a/b@v1"))
        assert "${{" not in step.get("run", "")                                 # what others wrote is no script
    written = {step["uses"].partition("@")[0]: step["with"] for step in job["steps"] if "uses" in step}
    settings = Settings.load(config=EXAMPLES / "auditor.toml")
    latest = f"reports/{settings.name}/latest/"
    assert written["actions/upload-artifact"]["path"] == latest
    assert written["github/codeql-action/upload-sarif"]["sarif_file"] == f"{latest}findings.sarif"
    assert written["actions/cache/restore"]["path"] == written["actions/cache/save"]["path"] == "reports/store"
    assert written["actions/cache/restore"]["key"] == written["actions/cache/save"]["key"]


def test_the_job_of_gitlab_has_the_form_of_one():
    job = loaded("gitlab-ci.yml")["auditor"]

    assert job.keys() == {"image", "rules", "variables", "script", "retry", "cache", "artifacts"}
    assert job["artifacts"]["reports"] == {"junit": "reports/pets/*/junit.xml"}
    assert job["retry"] == {"max": 2, "exit_codes": [3, 137]}
    assert job["cache"]["paths"] == ["reports/store/"]
    assert job["image"]["entrypoint"] == [""]


def test_the_cron_job_of_kubernetes_has_the_form_of_one():
    job = loaded("cronjob.yaml")
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    spec = job["spec"]["jobTemplate"]["spec"]

    assert pod()["restartPolicy"] == "Never"                                      # what podFailurePolicy needs
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container()["name"]
    assert rule["onExitCodes"]["values"] == [1, 2]
    mounts = {mount["name"]: mount for mount in container()["volumeMounts"]}
    assert mounts.keys() == {volume["name"] for volume in pod()["volumes"]}
    assert mounts["data"]["readOnly"]
    assert pod()["securityContext"]["runAsNonRoot"]


def test_the_dockerfile_copies_what_is_there_and_runs_without_rights():
    instructions = dockerfile()
    assert {name for name, _ in instructions} <= {
        "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "ENTRYPOINT", "CMD",
    }  # fmt: skip

    for name, arguments in instructions:
        *sources, _ = arguments.split()
        if name == "COPY" and not arguments.startswith("--from=build"):
            assert all((REPOSITORY / source).exists() for source in sources)
    assert ("USER", str(pod()["securityContext"]["runAsUser"])) in instructions
    assert any("--constraint constraints.txt" in arguments for name, arguments in instructions if name == "RUN")
    assert "tensorflow" not in text("Dockerfile")


@pytest.mark.slow
def test_the_image_can_be_built():
    if shutil.which("docker") is None or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no builder of images runs here")
    subprocess.run(["docker", "build", "--file", EXAMPLES / "Dockerfile", REPOSITORY], check=True, timeout=1800)


def test_the_hook_has_what_pre_commit_requires_and_asks_git_itself():
    (hook,) = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

    assert hook.keys() >= {"id", "name", "entry", "language"}
    assert (hook["language"], hook["types"], hook["pass_filenames"]) == ("python", ["image"], False)
    assert "--changed-since HEAD" in hook["entry"]
    (repository,) = loaded("pre-commit-config.yaml")["repos"]
    assert repository.keys() == {"repo", "rev", "hooks"}
    assert repository["hooks"][0]["id"] == hook["id"]
