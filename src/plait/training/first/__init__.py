"""The check of the first steps: can each task learn?"""
