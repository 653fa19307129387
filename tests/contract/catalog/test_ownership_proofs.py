"""Every catalog keeps these promises: only a client that proves to have a file is given it."""

import secrets
from typing import Any

import pytest
from support.catalog import STORED, complete, content, history, upload
from support.clock import FakeClock
from support.ids import ME, OTHER

from tusd_py.catalog.port import Catalog
from tusd_py.domain.errors import UploadTerminated
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.ownership_proof import TRIES, TRIES_SECONDS, TRYING_USERS, Question, Terms
from tusd_py.domain.upload import Upload, UploadState

HASH = "a" * 64
MINE = owner_scope(ME)
OF_ONE_OTHER = Terms(tenant=None, owners=1, challenges_per_hour=60, filename=None)
THIRD = UserId(9)


def question() -> Question:
    return Question(secrets.token_bytes(32), secrets.token_bytes(32))


DECOY = question()


def stored(catalog: Catalog, user: UserId = OTHER, **values: Any) -> UploadId:
    """Store a file of another owner that the pipeline has completed."""
    made = upload(user, **values)
    catalog.uploads.add(made)
    catalog.uploads.finish(content(made, HASH), is_video=False)
    complete(catalog, made.id)
    return made.id


def begun(catalog: Catalog, user: UserId = ME, **values: Any) -> Upload:
    made = upload(user, **{"declared_hash": HASH, **values})
    catalog.uploads.add(made)
    return made


def challenged(
    catalog: Catalog, terms: Terms = OF_ONE_OTHER, **values: Any
) -> tuple[Upload, bytes]:
    made = begun(catalog, **values)
    return made, catalog.ownership.challenge(made, terms, DECOY)


def test_a_right_answer_gives_the_file(catalog: Catalog) -> None:
    theirs = stored(catalog, metadata_header="filename c2VjcmV0Lm1wNA==")
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    header = "filename bWluZS5tcDQ="
    made, nonce = challenged(
        catalog, metadata_header=header, metadata={"filename": b"mine.mp4"}, tenant="acme"
    )
    assert nonce == one.nonce
    file = catalog.ownership.prove(made, OF_ONE_OTHER, one.answer)
    assert file == catalog.objects.file_by_hash(MINE, HASH)
    assert file is not None
    assert (file.name, file.object_key, file.size) == ("mine.mp4", STORED.object_key, 10)
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert (found.state, found.instant, found.file_identity) == (
        UploadState.FINISHED, True, file.identity,
    )  # fmt: skip
    record = history(catalog, made.id)
    assert record.status == "completed"
    catalog.uploads.close(theirs, UploadState.TERMINATED)
    assert catalog.objects.file_by_hash(owner_scope(OTHER), HASH) is None
    assert catalog.objects.file_by_hash(MINE, HASH) == file, "each owner has a separate file"
    assert not catalog.objects.condemn(STORED.object_key)


def test_a_challenge_is_given_once(catalog: Catalog) -> None:
    stored(catalog)
    questions = [question(), question()]
    catalog.ownership.add_questions(HASH, questions)
    assert catalog.ownership.questions(HASH) == 2
    nonces = [challenged(catalog)[1] for _ in range(3)]
    assert nonces == [questions[0].nonce, questions[1].nonce, DECOY.nonce]
    assert catalog.ownership.questions(HASH) == 0


def test_an_answer_is_taken_once(catalog: Catalog) -> None:
    stored(catalog)
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    made, _ = challenged(catalog)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, bytes(32)) is None
    assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) is None
    assert catalog.uploads.get(made.id) == made, "the refused proof changed nothing"


def test_a_replayed_answer_is_worth_nothing_elsewhere(catalog: Catalog) -> None:
    stored(catalog)
    one, two = question(), question()
    catalog.ownership.add_questions(HASH, [one, two])
    challenged(catalog)
    later, nonce = challenged(catalog)
    assert nonce == two.nonce
    assert catalog.ownership.prove(later, OF_ONE_OTHER, one.answer) is None
    never = begun(catalog)
    assert catalog.ownership.prove(never, OF_ONE_OTHER, one.answer) is None


def test_an_answer_after_its_time_is_worth_nothing(catalog: Catalog, clock: FakeClock) -> None:
    stored(catalog)
    one, two = question(), question()
    catalog.ownership.add_questions(HASH, [one, two])
    made, _ = challenged(catalog)
    clock.advance(61)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) is None
    made, _ = challenged(catalog)
    clock.advance(60)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, two.answer) is not None


@pytest.mark.parametrize(
    ("change", "terms"),
    [
        ({"length": 9}, {}),
        ({"declared_hash": "b" * 64}, {}),
        ({"user": OTHER}, {}),
        ({}, {"tenant": "acme"}),
        ({"tenant": "acme"}, {"tenant": "acme"}),
        ({}, {"owners": 2}),
        ({}, {"challenges_per_hour": 0}),
        ({}, {"filename": "clip.mov"}),
    ],
)
def test_outside_the_terms_the_challenge_is_the_decoy(
    catalog: Catalog, change: dict[str, Any], terms: dict[str, Any]
) -> None:
    stored(catalog, tenant="other", metadata={"filename": b"clip.mp4"})
    catalog.ownership.add_questions(HASH, [question()])
    required = Terms(**{**_members(OF_ONE_OTHER), **terms})
    made, nonce = challenged(catalog, required, **change)
    assert nonce == DECOY.nonce
    assert catalog.ownership.prove(made, required, bytes(32)) is None
    assert catalog.ownership.questions(HASH) == 1


def _members(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__slots__}


def test_within_the_terms_the_challenge_is_about_the_file(catalog: Catalog) -> None:
    stored(catalog, OTHER, tenant="acme", metadata={"filename": b"clip.mp4"})
    stored(catalog, THIRD, tenant="acme", metadata={"filename": b"film.mp4"})
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    terms = Terms(tenant="acme", owners=2, challenges_per_hour=1, filename="a.mp4")
    made, nonce = challenged(catalog, terms)
    assert nonce == one.nonce
    assert catalog.ownership.prove(made, terms, one.answer) is not None


def test_challenges_are_counted_for_an_hour(catalog: Catalog, clock: FakeClock) -> None:
    stored(catalog)
    questions = [question() for _ in range(4)]
    catalog.ownership.add_questions(HASH, questions)
    terms = Terms(tenant=None, owners=1, challenges_per_hour=2, filename=None)
    same = begun(catalog)
    nonces = [catalog.ownership.challenge(same, terms, DECOY) for _ in range(3)]
    assert nonces == [questions[0].nonce, questions[1].nonce, DECOY.nonce]
    clock.advance(3601)
    assert catalog.ownership.challenge(same, terms, DECOY) == questions[2].nonce
    assert catalog.ownership.challenge(begun(catalog, THIRD), terms, DECOY) == questions[3].nonce


def test_a_file_that_is_gone_by_the_answer_is_not_given(catalog: Catalog) -> None:
    theirs = stored(catalog)
    one = question()
    catalog.ownership.add_questions(HASH, [one, question()])
    made, _ = challenged(catalog)
    catalog.uploads.close(theirs, UploadState.TERMINATED)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) is None
    assert catalog.ownership.questions(HASH) == 0, (
        "no user holds it: there is no challenge any longer"
    )


def test_an_object_that_is_being_removed_is_not_given(catalog: Catalog) -> None:
    """The state is that after a janitor's crash: the object is condemned, the pool's row is new."""
    theirs = stored(catalog)
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    made, _ = challenged(catalog)
    catalog.uploads.close(theirs, UploadState.TERMINATED)
    assert catalog.objects.condemn(STORED.object_key)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) is None


def test_a_proof_for_an_upload_that_was_deleted_is_refused(catalog: Catalog) -> None:
    stored(catalog)
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    made, _ = challenged(catalog)
    catalog.uploads.close(made.id, UploadState.TERMINATED)
    with pytest.raises(UploadTerminated):
        catalog.ownership.prove(made, OF_ONE_OTHER, one.answer)
    assert catalog.objects.file_by_hash(MINE, HASH) is None


def test_who_holds_it_by_now_gets_his_own(catalog: Catalog) -> None:
    stored(catalog)
    one = question()
    catalog.ownership.add_questions(HASH, [one])
    made, _ = challenged(catalog)
    stored(catalog, ME)
    held = catalog.objects.file_by_hash(MINE, HASH)
    assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) == held


def test_a_content_is_not_tried_again_and_again(catalog: Catalog, clock: FakeClock) -> None:
    """A user who has only a part of the file would pass after enough attempts."""
    stored(catalog)
    catalog.ownership.add_questions(HASH, [question() for _ in range(32)])
    tried = 0
    for _ in range(40):
        made, nonce = challenged(catalog)
        tried += nonce != DECOY.nonce
        catalog.ownership.prove(made, OF_ONE_OTHER, bytes(32))
        clock.advance(3600)
    assert tried == TRIES
    clock.advance(TRIES_SECONDS)
    assert challenged(catalog)[1] != DECOY.nonce


def test_many_users_do_not_try_a_content_together(catalog: Catalog) -> None:
    stored(catalog)
    catalog.ownership.add_questions(HASH, [question() for _ in range(64)])
    nonces = [challenged(catalog, user=UserId(100 + number))[1] for number in range(30)]
    assert sum(nonce != DECOY.nonce for nonce in nonces) == TRYING_USERS
    other = "c" * 64
    assert challenged(catalog, declared_hash=other)[1] == DECOY.nonce, "no user has that file"


def test_a_right_answer_counts_as_no_try(catalog: Catalog) -> None:
    stored(catalog)
    questions = [question() for _ in range(20)]
    catalog.ownership.add_questions(HASH, questions)
    for number, one in enumerate(questions):
        made, nonce = challenged(catalog, user=UserId(100 + number))
        assert nonce == one.nonce
        assert catalog.ownership.prove(made, OF_ONE_OTHER, one.answer) is not None
