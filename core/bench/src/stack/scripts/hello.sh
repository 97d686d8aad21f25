#!/bin/sh
# Its line is to be seen long before it ends.
echo "The script runs."
sleep 1
