"""``MySQL.DataSource`` in both spellings."""

import pytest

from tusd_py.catalog.mysql import mysql_url


@pytest.mark.parametrize(
    ("data_source", "expected"),
    [
        ("root:p@ss:w@tcp(10.0.0.1:3307)/cloud?charset=utf8mb4&parseTime=True&loc=Local",
         ("root", "p@ss:w", "10.0.0.1", 3307, "cloud")),
        ("root:@tcp(db)/cloud", ("root", "", "db", 3306, "cloud")),
        ("mysql://u:p%40w@db:3306/cloud", ("u", "p@w", "db", 3306, "cloud")),
        ("mysql+pymysql://u:p@db/cloud?charset=utf8", ("u", "p", "db", None, "cloud")),
    ],
)  # fmt: skip
def test_the_seeds_spelling_and_the_usual_one(
    data_source: str, expected: tuple[object, ...]
) -> None:
    url = mysql_url(data_source)
    assert (url.username, url.password, url.host, url.port, url.database) == expected
    assert url.drivername == "mysql+pymysql"
    assert url.query == {"charset": "utf8mb4"}


@pytest.mark.parametrize("data_source", ["nonsense", "postgresql://u@h/d", "mysql://host", ""])
def test_anything_else_is_refused(data_source: str) -> None:
    with pytest.raises(ValueError, match="address"):
        mysql_url(data_source)
