"""A nightly audit as a task of Airflow 3."""

from datetime import datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

with DAG("auditor_pets", schedule="17 2 * * *", start_date=datetime(2026, 1, 1), catchup=False, max_active_runs=1):
    BashOperator(
        task_id="scan",
        bash_command="/opt/auditor/bin/auditor scan --config /srv/pets/auditor.toml",
        retries=2,                      # what an attempt has done, the next one need not do again
        retry_delay=timedelta(minutes=10),
    )
