"""What a user of Penstock may get wrong: both checkers refuse each line that is marked, and no other."""

from penstock import Context, Job, Penstock, Pushable, Retry, job


class SendMail(Job, type="send_mail", max_attempts=5):
    """A job."""

    to: str
    count: int = 1

    async def run(self, context: Context) -> None: ...


@job("notify")
async def notify(context: Context, to: str, count: int = 1) -> None: ...


@job
def resize(path: str) -> None: ...


mail = SendMail("a")

SendMail(3)  # refused: wrong type of a param
SendMail(to="a", count="b")  # refused: wrong type of a param
SendMail()  # refused: missing param
SendMail("a", 1, 2)  # refused: too many params
SendMail("a", subject="b")  # refused: unknown param
mail.to = "b"  # refused: a job is frozen
mail.too  # refused: unknown attribute

notify(3)  # refused: wrong type of a param
notify("a", count="b")  # refused: wrong type of a param
notify()  # refused: missing param
notify("a", subject="b")  # refused: unknown param
notify(context="a", to="b")  # refused: the context is no param
resize()  # refused: missing param
resize("a", 3)  # refused: too many params

Retry(after="soon")  # refused: wrong kind of a duration


class Text(Job, type="text", max_attempts="5"):  # refused: wrong option
    to: str


class Unknown(Job, type="unknown", attempts=5):  # refused: unknown option
    to: str


class Numbered(Job, type=5):  # refused: wrong type
    to: str


class Ordered(Job, type="ordered"):
    to: str = ""
    subject: str  # refused: no default after a default


class Result(Job, type="result"):
    async def run(self, context: Context) -> object:  # refused: a result is JSON
        return object()


class Parameters(Job, type="parameters"):
    async def run(self, to: str) -> None: ...  # refused: it is given the context


@job(attempts=5)  # refused: unknown option
def options() -> None: ...


@job("set")  # refused: a result is JSON
def answer_set() -> set[int]:
    return {1}


async def push_through(penstock: Penstock) -> None:
    await penstock.push(mail, priority="high")  # refused: wrong option
    await penstock.push(mail, prority=1)  # refused: unknown option
    await penstock.push(SendMail)  # refused: a class is no job
    await penstock.push([mail, "b"])  # refused: a text is no job


def push(one: Pushable) -> None: ...


push(SendMail)  # refused: a class is no job
push(notify)  # refused: a function is no job
push("send_mail")  # refused: a type is no job
