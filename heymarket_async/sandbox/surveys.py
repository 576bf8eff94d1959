"""Surveys.

Source: https://developers.heymarket.com/api-reference/surveys
"""

from heymarket_async.sandbox.routes import Answer, Call, Paging, integer, route


@route("GET /v1/survey/{id}")
def get(call: Call) -> object:
    """Show a survey."""
    surveys = call.account.surveys
    return Answer(200, call.existing(surveys.by_id(integer(call.path["id"], "id")), "survey").line)


@route("POST /v1/surveys")
def list_page(call: Call) -> object:
    """List a page of surveys; the first page is 1."""
    readings = call.readings
    paging = Paging(readings.newest_first, readings.survey_page_base)
    return call.page(call.account.surveys, paging=paging)
