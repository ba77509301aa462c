FROM node:20-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json tsoa.json ./
COPY src ./src
COPY model_creation/data/test.csv ./model_creation/data/
RUN npm run --silent build && npm prune --omit=dev

FROM node:20-bookworm-slim
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json .env ./
COPY model ./model
USER node
EXPOSE 8282
CMD ["node", "dist/server.js"]
