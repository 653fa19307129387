"""Sets the addresses of MySQL, Redis and RabbitMQ."""

from urllib.parse import quote

from pydantic import Field, SecretStr

from tusd_py.settings.section import Section


class MysqlSettings(Section):
    """Sets where the catalog is (``MySQL`` in the original design); it is SQLite by default."""

    data_source: SecretStr = Field(
        SecretStr(""),
        description="user:password@tcp(host:3306)/database, or mysql://user:password@host/database",
    )


class RedisSettings(Section):
    """Sets where the view of tasks is, and how servers take uploads over from each other.

    This is ``Redis`` in the original design. Without an address the view is SQLite, and only one
    server can use the data directory.
    """

    addr: str = Field("", description="host:port")
    password: SecretStr = Field(SecretStr(""), description="Password")
    db: int = Field(0, ge=0, description="Number of the database")

    def url(self) -> str:
        """Return the address as a URL, with the password."""
        password = quote(self.password.get_secret_value(), safe="")
        return f"redis://{f':{password}@' if password else ''}{self.addr}/{self.db}"


class RabbitMqSettings(Section):
    """Sets the broker that wakes workers, ``RabbitMQ`` in the original design; no host: none."""

    host: str = Field("", description="Host name")
    port: int = Field(5672, description="Port")
    user: str = Field("", description="User name")
    password: SecretStr = Field(SecretStr(""), description="Password")
    vhost: str = Field("/", description="Virtual host")

    def url(self) -> str:
        """Return the address as a URL, with the password."""
        user, password = (
            quote(text, safe="") for text in (self.user, self.password.get_secret_value())
        )
        credentials = f"{user}:{password}@" if user else ""
        return f"amqp://{credentials}{self.host}:{self.port}/{quote(self.vhost, safe='')}"
