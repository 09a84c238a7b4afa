"""The Client Portal API and its event functions."""

from chalice import Chalice

from chalicelib.handlers import blueprints

app = Chalice(app_name="client-portal", configure_logs=False)
app.api.binary_types.append("application/pdf")
for blueprint in blueprints():
    app.register_blueprint(blueprint)
