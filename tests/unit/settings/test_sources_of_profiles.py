"""Tests of profiles: sections of the file, or JSON in the environment."""

from pathlib import Path

import pytest

from tusd_py.settings.sources import SettingsError, load_settings

CHOICE = {"TUSD_MEDIA__PROFILE_CHOICE": "small, asis"}
ENVIRONMENT = {
    "TUSD_MEDIA__PROFILES": '{"small": {"video": {"web": true}}, "asis": {"video": {"web": false}}}',
    **CHOICE,
}


def test_profiles_replace_the_values_that_they_name(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text(
        "media: {profiles: {small: {video: {web: true}}, asis: {video: {web: false}}}}"
    )
    for settings in (load_settings(config, CHOICE, {}), load_settings(None, ENVIRONMENT, {})):
        media = settings.media
        assert media.profile("asis").video == media.video.model_copy(update={"web": False})
        assert media.profile("asis").image == media.image
        assert media.profile("small") == media.profile() == media.profile("none")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"TUSD_MEDIA__PROFILES": "small"}, "TUSD_MEDIA__PROFILES: is not JSON"),
        ({"TUSD_MEDIA__PROFILES": '{"Up": {}}'}, "String should match pattern"),
        ({"TUSD_MEDIA__PROFILES": '{"a": {"video": {"none": 1}}}'}, "not permitted"),
        (CHOICE, "profile_choice names small, which is not in profiles"),
    ],
)
def test_invalid_profiles_are_refused(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        load_settings(None, environment, {})


def test_an_unknown_name_in_a_profile_names_its_place(tmp_path: Path) -> None:
    config = tmp_path / "settings.yaml"
    config.write_text("media: {profiles: {small: {video: {none: 1}}}}")
    with pytest.raises(
        SettingsError, match=r"media\.profiles\.small\.video\.none: there is no such"
    ):
        load_settings(config, {}, {})
