"""Any operator of Airflow that the site allows."""
