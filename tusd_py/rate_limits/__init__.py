"""Rates of users, in one process or shared by many."""
