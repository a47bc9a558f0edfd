# Airflow's own image with this provider in it.
#     docker build -t airflow-gimme .
ARG AIRFLOW_VERSION=3.3.2

FROM apache/airflow:${AIRFLOW_VERSION} AS airflow
ARG AIRFLOW_VERSION
COPY --chown=airflow:0 pyproject.toml README.md LICENSE /opt/gimme/
COPY --chown=airflow:0 airflow_provider_gimme /opt/gimme/airflow_provider_gimme
# A volume that is mounted here for the first time takes over the owner.
RUN mkdir -p /opt/airflow/state
# Naming Airflow's version keeps the installer from changing it.
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" /opt/gimme

# The stand-in API that the example workflow can talk to.
FROM airflow AS standin
COPY --chown=airflow:0 tests/__init__.py /opt/gimme/tests/__init__.py
COPY --chown=airflow:0 tests/standins /opt/gimme/tests/standins
WORKDIR /opt/gimme
EXPOSE 8000
ENTRYPOINT ["python", "-m", "tests.standins"]
CMD ["derivativ", "--host", "0.0.0.0", "--port", "8000"]
